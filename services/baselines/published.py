"""The files of Yo'LLaVA's and MC-LLaVA's published code, in and out.

    python -m services.baselines.published write ARTEFACT FOLDER [--epoch 14]
    python -m services.baselines.published read FOLDER ARTEFACT --name bo [--epoch best]
    python -m services.baselines.published read FOLDER --memory s --name bo [--method yollava-s]

`{epoch}-token.pt` and `{epoch}-lmhead.pt` are bare tensors [k + 1, d]: the concept's own row, then
those of its soft tokens. They say nothing of the model they were trained for, so that only shape
and numbers can be checked.

The third form makes them what a service knows of a concept of its memory, in place of what it has
learned itself. The service must be stopped meanwhile. For MC-LLaVA the patches by which it marks a
concept are taken from the concept's photos, since the published files don't hold them.
"""

import argparse
import pickle  # noqa: TID251 - for its error: nothing is unpickled
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from kith.errors import InvalidInput, KithError, NotFound, Refused
from memory_db import ConceptStore
from memory_db.names import clean_name
from services.assistant.memory import positive_views
from services.baselines import jobs, kept
from services.baselines.artefacts import Artefact, Header
from services.baselines.base_model import BaseModel
from services.baselines.known import Known
from services.baselines.material import Example
from services.baselines.methods import Method, method
from services.baselines.patches import concept_patches
from services.baselines.tokens import Rows
from services.runtime import images
from services.runtime.profile import Profile

WITH_FILES: Final = ("yollava-s", "yollava-m", "mc-llava")
"""Methods whose concepts are published as such files."""


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
    if not tensor.is_floating_point() or not torch.isfinite(tensor).all():
        kind = str(tensor.dtype).removeprefix("torch.")
        raise InvalidInput(
            f"{path.name}: its numbers ({kind}) are no fractions, or not all of them are finite; "
            "take the file as it was published",
            reason="PUBLISHED_FILE_INVALID",
            field="source",
        )
    return tensor.detach().float()


def rows_for(method: Method, base: BaseModel, folder: Path, epoch: str) -> Rows:
    """The rows of a concept for a method, checked.

    Raises:
        InvalidInput: The method has no such files, or learns another number of tokens.
        Refused: As `read_rows`.
    """
    if method.name not in WITH_FILES:
        raise InvalidInput(
            f"method: {method.name!r} has no published files of this kind; take one of "
            f"{', '.join(WITH_FILES)}",
            reason="METHOD_HAS_NO_FILES",
            field="method",
        )
    rows = read_rows(folder, epoch, base.own_embedding.shape[1])
    if len(rows.read) != method.soft_tokens + 1:
        raise InvalidInput(
            f"{epoch}-token.pt: it has {len(rows.read)} rows, {method.name} has "
            f"{method.soft_tokens + 1} (a name and {method.soft_tokens} soft tokens); take a "
            "concept that was trained so",
            reason="PUBLISHED_FILE_INVALID",
            field="source",
        )
    return rows


def artefact_of(method: Method, base: BaseModel, rows: Rows, name: str) -> Artefact:
    """What a service knows of a concept of these rows."""
    tokens = (f"<{name}>", *(f"<token{i}>" for i in range(len(rows.read) - 1)))
    header = Header(method.name, base.fingerprint, tokens, {}, "")
    return Artefact(header, {"read": rows.read, "written": rows.written})


def install(
    artefact: Artefact, known: Known, user: str, store: ConceptStore, base: BaseModel
) -> None:
    """Makes an artefact what is known of the concept that its first token names.

    Raises:
        NotFound: There is none of that name.
        Refused: A training of it waits, or the artefact can't be written.
    """
    name = artefact.header.tokens[0].strip("<>")
    concept = store.snapshot().named(name)
    if concept is None:
        raise NotFound(
            f"name: there is no {name!r} in the memory; remember it first",
            reason="CONCEPT_NOT_FOUND",
            field="name",
        )
    waiting = jobs.open_jobs(known.root, known.method.name)
    if any(job.user == user and concept.id in job.concepts for job in waiting):
        raise Refused(
            f"name: a training of <{name}> waits, which would write over it; cancel it first: "
            f"kith train --cancel {name}",
            reason="TRAINING_RUNNING",
            field="name",
        )
    place, views = known.place(user), positive_views(concept)
    if "patches" in known.method.shapes(base):
        pictures = (images.decode(store.photo(view.blob), field="photo") for view in views)
        masks = (kept.mask_of(place, concept.id, view.id) for view in views)
        seen = [Example(*both) for both in zip(pictures, ("",) * len(views), masks, strict=True)]
        bank = concept_patches(base, seen).cpu()
        artefact = replace(artefact, tensors={**artefact.tensors, "patches": bank})
    known.save(user, concept.id, artefact, tuple(view.id for view in views))
    kept.keep(place, concept.id, known.memory, kept.Given())


def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and converts."""
    parser = argparse.ArgumentParser(
        prog="python -m services.baselines.published",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("way", choices=("read", "write"))
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--epoch", default="best", help="a number, or best")
    parser.add_argument("--name", default="", help="what the concept is called (read)")
    parser.add_argument("--method", default="yollava-s", help="which method it is for (read)")
    parser.add_argument("--memory", type=Path, help="folder of the memory that has it (read)")
    parser.add_argument("--user", default="me", help="whose memory it is (read)")
    parser.add_argument("--artefacts", type=Path, help="folder of KITH_ARTEFACTS, if set (read)")
    parser.add_argument("--profile", default="pocket", help="pocket or full")
    parser.add_argument("--weights", type=Path, help="folder of the profile's models")
    chosen = parser.parse_args(arguments)
    try:
        _convert(chosen)
    except KithError as error:
        parser.exit(1, f"{error}\n")


def _convert(chosen: argparse.Namespace) -> None:
    to_memory = chosen.way == "read" and chosen.memory is not None
    if (chosen.target is None) != to_memory:
        raise InvalidInput(
            "target: name the file or folder to write, or (to read) a --memory, one of them",
            reason="TARGET_MISSING",
            field="target",
        )
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
    made = method(chosen.method)
    base = BaseModel(profile.generator, "cpu", made.soft_tokens)
    rows = rows_for(made, base, chosen.source, chosen.epoch)
    artefact = artefact_of(made, base, rows, clean_name(chosen.name))
    if not to_memory:
        artefact.save(chosen.target)
        return
    if not chosen.memory.is_dir():
        raise InvalidInput(
            f"memory: there is no folder {chosen.memory}; name that of the service",
            reason="FOLDER_MISSING",
            field="memory",
        )
    spec = profile.embedder
    known = Known(chosen.artefacts or chosen.memory / "artefacts", made, spec.name)
    with ConceptStore.open(chosen.memory, user=chosen.user, model=spec.name, dim=spec.dim) as store:
        install(artefact, known, chosen.user, store, base)


if __name__ == "__main__":
    main()
