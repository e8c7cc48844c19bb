"""Published files become what a service knows of a concept, once they are checked."""

from pathlib import Path

import pytest
import torch

from kith.errors import InvalidInput, NotFound, Refused
from kith.v1.resources_pb2 import Concept
from services.baselines import published
from services.baselines.base_model import BaseModel
from services.baselines.known import Known
from services.baselines.methods import method
from services.baselines.tokens import Rows
from services.runtime.profile import GeneratorSpec
from tests.assistant.world import PaintEmbedder, open_store, paint
from tests.baselines.service import BO, serving
from tests.baselines.steps import Steps

State = Concept.State


def rows(base: BaseModel, count: int = 17) -> Rows:
    width = base.own_embedding.shape[1]
    generator = torch.Generator().manual_seed(1)
    return Rows(*(torch.randn(count, width, generator=generator) for _ in range(2)))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda good: good[:5], "5 rows, yollava-s has 17"),
        (lambda good: torch.full_like(good, float("inf")), "finite"),
        (lambda good: good.long(), "int64"),
    ],
)
def test_what_is_wrong_with_the_files_is_told(
    tiny: BaseModel, tmp_path: Path, damage: object, said: str
) -> None:
    published.write_rows(rows(tiny), tmp_path, "best")
    assert published.rows_for(method("yollava-s"), tiny, tmp_path, "best").read.shape[0] == 17
    for kind in ("token", "lmhead"):
        file = tmp_path / f"best-{kind}.pt"
        torch.save(damage(torch.load(file, weights_only=True)), file)  # type: ignore[operator]
    with pytest.raises(InvalidInput, match=said):
        published.rows_for(method("yollava-s"), tiny, tmp_path, "best")


def test_a_method_without_such_files_is_named(tiny: BaseModel, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="'myvlm' has no published files") as refused:
        published.rows_for(method("myvlm"), tiny, tmp_path, "best")
    assert refused.value.field == "method"


@pytest.mark.parametrize("name", ["yollava-s", "mc-llava"])
async def test_a_concept_of_a_memory_is_known_by_published_files(
    tiny: BaseModel, tiny_spec: GeneratorSpec, memory_folder: Path, tmp_path: Path, name: str
) -> None:
    async with serving(memory_folder, tiny_spec, Steps()) as caller:
        await caller.learn("bo", BO)
    chosen = method(name)
    published.write_rows(rows(tiny), tmp_path, "best")
    read = published.rows_for(chosen, tiny, tmp_path, "best")
    known = Known(memory_folder / "artefacts", chosen, PaintEmbedder.name)
    with open_store(memory_folder, "me") as store:
        lina = published.artefact_of(chosen, tiny, read, "lina")
        with pytest.raises(NotFound, match="no 'lina' in the memory"):
            published.install(lina, known, "me", store, tiny)
        published.install(published.artefact_of(chosen, tiny, read, "bo"), known, "me", store, tiny)
    async with serving(memory_folder, tiny_spec, chosen) as caller:
        assert (await caller.named("bo")).state == State.STATE_READY
        (found,) = await caller.recognize(paint(BO[0]), "bo")
        assert 0 <= found.score <= 1
        _, end = await caller.ask("Is <bo> here?", paint(BO[0]))
        assert [one.display_name for one in end.concepts] == ["bo"]


async def test_a_training_that_waits_would_write_over_them(
    tiny: BaseModel, tiny_spec: GeneratorSpec, memory_folder: Path, tmp_path: Path
) -> None:
    steps = Steps()
    steps.may_go.let(1)
    async with serving(memory_folder, tiny_spec, steps) as caller:
        await caller.remember("bo", BO)
        steps.may_go.let(1)
    known = Known(memory_folder / "artefacts", method("yollava-s"), PaintEmbedder.name)
    artefact = published.artefact_of(known.method, tiny, rows(tiny), "bo")
    with (
        open_store(memory_folder, "me") as store,
        pytest.raises(Refused, match="kith train --cancel bo"),
    ):
        published.install(artefact, known, "me", store, tiny)


def test_the_command_line_names_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        (["read", "x", "--name", "bo"], "target: name the file"),
        (["read", "x", "y", "--memory", "s", "--name", "bo"], "target: name the file"),
        (["write", "x"], "target: name the file"),
        (["read", "x", "--memory", str(tmp_path / "none")], "give --name bo"),
    ):
        with pytest.raises(SystemExit) as ended:
            published.main(arguments)
        assert ended.value.code == 1
        assert said in capsys.readouterr().err
