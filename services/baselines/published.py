"""The files of Yo'LLaVA's and MC-LLaVA's published code, in and out.

    python -m services.baselines.published write ARTEFACT FOLDER [--epoch 14]
    python -m services.baselines.published read FOLDER ARTEFACT --name bo [--epoch best]

`{epoch}-token.pt` and `{epoch}-lmhead.pt` are bare tensors [k + 1, d]: the concept's own row, then
those of its soft tokens. They say nothing of the model they were trained for, so that only the
width can be checked.
"""

import argparse
import pickle  # noqa: TID251 - for its error: nothing is unpickled
from pathlib import Path

import torch
from torch import Tensor

from kith.errors import InvalidInput, KithError, Refused
from services.baselines.artefacts import Artefact, Header
from services.baselines.base_model import BaseModel
from services.baselines.tokens import Rows
from services.runtime.profile import Profile


def read_rows(folder: Path, epoch: str, width: int) -> Rows:
    """The rows of a concept, float32.

    Args:
        folder: Holds both files.
        epoch: A number, or "best".
        width: d of the base model.

    Raises:
        Refused: A file is missing, is no tensor (pickles that hold more are never run), or does
            not fit the base model.
    """
    read, written = (_tensor(folder / f"{epoch}-{kind}.pt", width) for kind in ("token", "lmhead"))
    if read.shape != written.shape:
        raise Refused(
            f"{folder.name}: {epoch}-token.pt has {len(read)} rows, {epoch}-lmhead.pt "
            f"{len(written)}; take both from one training",
            reason="PUBLISHED_FILE_INVALID",
        )
    return Rows(read, written)


def write_rows(rows: Rows, folder: Path, epoch: str) -> None:
    """Writes both files, half precision as the published ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, tensor in (("token", rows.read), ("lmhead", rows.written)):
        torch.save(tensor.to(torch.float16), folder / f"{epoch}-{kind}.pt")


def _tensor(path: Path, width: int) -> Tensor:
    if not path.is_file():
        raise Refused(
            f"{path.name}: there is no such file in {path.parent}; correct the folder or the epoch",
            reason="PUBLISHED_FILE_MISSING",
        )
    try:
        tensor = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise Refused(
            f"{path.name}: it is not a plain tensor ({type(error).__name__}); take the file as it "
            "was published",
            reason="PUBLISHED_FILE_INVALID",
        ) from error
    if not isinstance(tensor, Tensor) or tensor.ndim != 2 or tensor.shape[1] != width:
        shape = list(tensor.shape) if isinstance(tensor, Tensor) else type(tensor).__name__
        raise Refused(
            f"{path.name}: {shape} is not [k + 1, {width}], the width of the base model; take a "
            "concept that was trained for it",
            reason="BASE_MODEL_DIFFERS",
        )
    return tensor.detach().float()


def main() -> None:
    """Reads the command line and converts."""
    parser = argparse.ArgumentParser(
        prog="python -m services.baselines.published",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("way", choices=("read", "write"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--epoch", default="best", help="a number, or best")
    parser.add_argument("--name", default="", help="what the concept is called (read)")
    parser.add_argument("--method", default="yollava-s", help="which method it is for (read)")
    parser.add_argument("--profile", default="pocket", help="pocket or full")
    parser.add_argument("--weights", type=Path, help="folder of the profile's models")
    chosen = parser.parse_args()
    try:
        _convert(chosen)
    except KithError as error:
        parser.exit(1, f"{error}\n")


def _convert(chosen: argparse.Namespace) -> None:
    if chosen.way == "write":
        write_rows(Artefact.open(chosen.source).rows, chosen.target, chosen.epoch)
        return
    if not chosen.name:
        raise InvalidInput(
            "name: the files don't say what the concept is called; give --name bo",
            reason="NAME_MISSING",
            field="name",
        )
    profile = Profile.load(chosen.profile, chosen.weights)
    base = BaseModel(profile.generator, "cpu", soft=0)
    rows = read_rows(chosen.source, chosen.epoch, base.own_embedding.shape[1])
    tokens = (f"<{chosen.name}>", *(f"<token{i}>" for i in range(len(rows.read) - 1)))
    header = Header(chosen.method, base.fingerprint, tokens, {}, "")
    Artefact(header, {"read": rows.read, "written": rows.written}).save(chosen.target)


if __name__ == "__main__":
    main()
