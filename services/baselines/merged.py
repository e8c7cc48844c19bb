"""A LLaVA folder that knows trained concepts by itself, for engines that can't be handed rows.

    python -m services.baselines.merged FOLDER ARTEFACT... [--profile pocket] [--weights DIR]

The rows of Yo'LLaVA or MC-LLaVA become words of a widened vocabulary, under the names that their
artefacts give them: `<bo>`, `<token0>`, ... Any engine that serves LLaVA serves the folder (`make
vllm MODEL=FOLDER`), and a prompt tells it of a concept as the papers do: `<bo> is <token0>...
<token15>.` Who can reach the engine can ask about every concept in it, so it must be private to
their user; and a concept that is trained later needs a new folder, and the engine a restart.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from kith.errors import InvalidInput, KithError
from services.baselines.artefacts import Artefact
from services.runtime.profile import Profile
from services.runtime.weights import verify

_WIDENED: Final = {"embed_tokens.weight": "read", "lm_head.weight": "written"}
"""How the names of the widened matrices end, in published folders and in those of transformers."""


def merge(model: Path, artefacts: Sequence[Artefact], folder: Path) -> None:
    """Writes the LLaVA of one folder to another, with the tokens of `artefacts`.

    Raises:
        InvalidInput: Two concepts use one token, or a token is a word of the model already.
        Refused: A file of the model is none that may be opened.
    """
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    tokens = [token for artefact in artefacts for token in artefact.header.tokens]
    _require_new(tokens, tokenizer)
    first = len(tokenizer)
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("*.safetensors"))
    for shard in sorted(model.glob("*.safetensors")):
        tensors = load_file(verify(shard))
        for name, tensor in tensors.items():
            for ending, kind in _WIDENED.items():
                if name.endswith(ending) and "vision" not in name:
                    rows = torch.cat([artefact.tensors[kind] for artefact in artefacts])
                    tensors[name] = _widened(tensor, first, rows)
        save_file(tensors, folder / shard.name, {"format": "pt"})
    tokenizer.add_tokens(tokens)
    tokenizer.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    text = config["text_config"]
    text["vocab_size"] = max(text["vocab_size"], first + len(tokens))
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")


def _require_new(tokens: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> None:
    known = tokenizer.get_vocab()
    for token in tokens:
        if tokens.count(token) > 1 or token in known:
            raise InvalidInput(
                f"artefacts: {token} would stand for two things; take concepts that were trained "
                "together (mc-llava), or one at a time",
                reason="TOKEN_NAME_TAKEN",
                field="artefacts",
            )


def _widened(matrix: Tensor, first: int, rows: Tensor) -> Tensor:
    """[V, d] with `rows` from `first` on; rows of padding that stood there are written over."""
    wide = matrix.new_zeros(max(len(matrix), first + len(rows)), matrix.shape[1])
    wide[: len(matrix)] = matrix
    wide[first : first + len(rows)] = rows.to(matrix.dtype)
    return wide


def main() -> None:
    """Reads the command line and writes the folder."""
    parser = argparse.ArgumentParser(
        prog="python -m services.baselines.merged",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="is made")
    parser.add_argument("artefacts", type=Path, nargs="+", help="safetensors of trained concepts")
    parser.add_argument("--profile", default="pocket", help="pocket or full")
    parser.add_argument("--weights", type=Path, help="folder of the profile's models")
    chosen = parser.parse_args()
    try:
        profile = Profile.load(chosen.profile, chosen.weights)
        artefacts = [Artefact.open(path) for path in chosen.artefacts]
        merge(profile.generator.directory, artefacts, chosen.folder)
    except KithError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
