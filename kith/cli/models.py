"""The command that shows which models there are, and whether they are all there."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from kith.cli.human import simple_table
from kith.cli.options import Context
from kith.local import server_module

app = typer.Typer()

_GENERATOR = (
    ("config.json",),
    ("model.safetensors", "*.safetensors"),
    ("tokenizer.json", "tokenizer.model"),
    ("processor_config.json", "preprocessor_config.json"),
)
"""What a folder must hold to be a language model: of each line, one of the names."""


@dataclass(frozen=True)
class ModelFile:
    """A file of a model, as the profile names it and as it lies on disk."""

    stage: str
    name: str
    """The model's."""
    file: str
    present: bool
    bytes: int | None
    sha256: str | None
    """Of the file on disk."""
    pinned: str | None
    """The hash it must have, by the profile or SHA256SUMS; None when both leave it open."""
    trusted: bool
    """False for a file that can run code, has no pinned hash, and is not on the operator's list."""


@app.command()
def models(
    context: Context,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Put the files that can run code, and that the profile does not pin, on the list "
            "of those you trust. Compare their hashes with their publisher's first.",
        ),
    ] = False,
) -> None:
    """List the files of the models.

    Their sizes, their hashes, whether they are there, and whether they may be opened.
    """
    name = context.obj.profile or "pocket"
    profile = server_module("services.runtime.profile").Profile.load(name, context.obj.weights)
    with context.obj.waiting("Reading ..."):
        files = list(_files(profile))
        if trust and (doubtful := [Path(file.file) for file in files if not file.trusted]):
            for path in doubtful:
                server_module("services.runtime.weights").trust(path)
            files = list(_files(profile))
    form = {"profile": name, "models": [asdict(file) for file in files]}
    context.obj.show(form, _said(name, files))


def _files(profile: Any) -> Iterator[ModelFile]:  # noqa: ANN401 - see kith.local
    detector, embedder, text = profile.detector, profile.embedder, profile.detector_text
    yield _file("detection", detector.weights.stem, detector.weights, detector.sha256)
    encoders = [("detection", text), ("embedding", embedder)] if text else [("embedding", embedder)]
    for stage, encoder in encoders:
        yield _file(stage, encoder.name, encoder.config)
        yield _file(stage, encoder.name, encoder.weights, encoder.sha256)
    folder = profile.generator.directory
    parts = {path for path in folder.rglob("*") if path.is_file()}
    lacking = {
        folder / names[0] for names in _GENERATOR if not any(map(list, map(folder.glob, names)))
    }
    for path in sorted(parts | lacking):
        yield _file("generation", folder.name, path)


def _file(stage: str, name: str, path: Path, pinned: str | None = None) -> ModelFile:
    """What is known of a file; `pinned` is None for one that no library runs code of."""
    weights = server_module("services.runtime.weights")
    wanted = pinned or weights.summed(path) or None
    if not path.is_file():
        return ModelFile(stage, name, str(path), False, None, None, wanted, True)
    actual = weights.sha256_of(path)
    doubtful = pinned == "" and weights.can_run_code(path)
    trusted = not doubtful or actual in weights.trusted()
    size = path.stat().st_size
    return ModelFile(stage, name, str(path), True, size, actual, wanted, trusted)


def _said(profile: str, files: list[ModelFile]) -> RenderableType:
    table = simple_table("stage", "model", "file", "MB", "sha256", "")
    for file in files:
        if not file.present:
            state = Text("missing", "red")
        elif file.pinned not in (None, file.sha256):
            state = Text("another file", "red")
        elif not file.trusted:
            state = Text("not trusted", "red")
        else:
            state = Text("there", "green")
        size = "" if file.bytes is None else f"{file.bytes / 1e6:.1f}"
        digest = (file.sha256 or "")[:12]
        table.add_row(file.stage, file.name, Path(file.file).name, size, digest, state)
    missing = sum(not file.present for file in files)
    summary = f"Profile {profile}: {len(files)} files, {missing or 'none'} missing"
    return Group(Text(summary), table)
