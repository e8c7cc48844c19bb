"""A folder of models becomes an engine, and a dataset comes of it: here with tiny random ones."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from datagen.making import Order, accept, make, missing
from datagen.msdiffusion import bench
from datagen.msdiffusion.load import load_painter
from datagen.msdiffusion.painter import Painter, Style
from datagen.msdiffusion.subjects import Prompt
from kith.errors import InvalidInput, Refused
from tests.datagen.msdiffusion.tiny import write_models
from tests.datagen.small import write_seeds

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_models(tmp_path_factory.mktemp("models"))


def test_a_dataset_is_drawn_with_models_from_a_folder(models: Path, tmp_path: Path) -> None:
    write_seeds(tmp_path / "seeds", ["bo", "ada"], photos=1)
    order = Order("msdiffusion", "yollava", tmp_path / "out", tmp_path / "seeds", models, limit=2)
    commission = accept(order)
    assert commission.engine.settings["size"] == 64
    *_, last = make(commission)
    assert (last.done, last.rejected, missing(commission)) == (2, 0, 0)
    counts = commission.dataset.finish(commission.plan, commission.layout)
    assert (counts.kept["train"], counts.kept["test"], counts.photos) == (1, 1, 2)
    with Image.open(tmp_path / "out" / "train" / "0001.jpg") as picture:
        assert picture.size == (64, 64)
    again = accept(order)
    job = again.plan.jobs[0]
    first, second = (
        np.asarray(one.engine.draw_all([(job, 0)])[0].image) for one in (commission, again)
    )
    assert np.array_equal(first, second)
    assert "--models DIR --seeds DIR" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_in_batches_the_same_pictures_come_of_the_same_plan(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    draw = Painter.draw

    def counted(painter: Painter, prompts: Sequence[Prompt], style: Style) -> list[Image.Image]:
        sizes.append(len(prompts))
        return draw(painter, prompts, style)

    monkeypatch.setattr(Painter, "draw", counted)
    write_seeds(tmp_path / "seeds", ["bo", "ada"])
    where = tmp_path / "seeds", models
    alone, together = (
        accept(Order("msdiffusion", "yollava", tmp_path / str(batch), *where, limit=4, batch=batch))
        for batch in (None, 3)
    )
    assert alone.engine.settings == together.engine.settings  # one goes on with the other's
    assert {len(job.subjects) for job in alone.plan.jobs} == {1, 2}
    assert [step.done for step in make(alone)] == list(range(5))
    assert [step.done for step in make(together)] == [0, 3, 4]
    assert sizes == [1] * 4 + [3] * 2  # the last one is filled up
    for job in alone.plan.jobs:
        one, other = (
            np.asarray(Image.open(tmp_path / name / f"{job.id}.jpg"), np.int16)
            for name in ("None", "3")
        )
        assert one.std() > 1
        assert np.abs(one - other).mean() < 0.5  # a step in the arithmetic, which JPEG spreads


def test_compiled_only_if_it_is_asked_for(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[Painter] = []

    def compile_(painter: Painter) -> None:
        compiled.append(painter)

    monkeypatch.setattr(Painter, "compile", compile_)
    write_seeds(tmp_path / "seeds", ["bo"])
    order = Order("msdiffusion", "yollava", tmp_path / "out", tmp_path / "seeds", models, limit=1)
    accept(order)
    assert compiled == []
    accept(replace(order, compiled=True))
    assert len(compiled) == 1
    for option, said in (({"batch": 2}, "batch: Playroom"), ({"compiled": True}, "compile: Play")):
        with pytest.raises(InvalidInput, match=f"{said}.* draws one picture at a time; leave it"):
            accept(Order("playroom", "yollava", tmp_path / "out", **option))


def test_the_bench_prints_pictures_a_minute_and_memory(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([str(models), "--batches", "1", "2", "--rounds", "1"]) == 0
    printed = capsys.readouterr()
    assert "accelerate" not in printed.err
    assert ("peak so far, GiB" in printed.out) != torch.cuda.is_available()
    rows = [line.split("|") for line in printed.out.splitlines()[4:]]
    assert [row[2].strip() for row in rows] == ["1", "2"]
    assert all(float(row[place]) > 0 for row in rows for place in (4, 5))


def test_the_bench_tells_in_a_line_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main([str(tmp_path / "none")]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("bench: models: there is no folder ")
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("name", ["sdxl/unet/diffusion_pytorch_model", "image_encoder/model"])
def test_a_dataset_is_not_gone_on_with_after_a_model_was_swapped(
    name: str, models: Path, tmp_path: Path
) -> None:
    write_seeds(tmp_path / "seeds", ["bo"])
    shutil.copytree(models, tmp_path / "models")
    where = tmp_path / "out", tmp_path / "seeds", tmp_path / "models"
    order = Order("msdiffusion", "yollava", *where, limit=1)
    first = accept(order)
    next(make(first))
    settings = first.engine.settings
    assert settings["dtype"] == ("bfloat16" if torch.cuda.is_available() else "float32")
    assert settings["negative"] == Style().negative_prompt
    weights = tmp_path / "models" / f"{name}.safetensors"
    tensors = load_file(weights)
    tensors[next(iter(tensors))] += 1
    save_file(tensors, weights, metadata={"format": "pt"})
    again = accept(order)
    assert [one for one in settings if settings[one] != again.engine.settings[one]] == ["models"]
    with pytest.raises(InvalidInput, match="is a dataset with another engine"):
        next(make(again))


@pytest.mark.parametrize("name", ["sdxl", "image_encoder", "ms_adapter.safetensors"])
def test_a_missing_model_is_named_with_what_the_folder_must_hold(
    name: str, models: Path, tmp_path: Path
) -> None:
    for path in models.iterdir():
        if path.name != name:
            (tmp_path / path.name).symlink_to(path)
    with pytest.raises(Refused, match=f"models: .*{name}.*; it must hold sdxl, image_encoder and"):
        load_painter(tmp_path)


@pytest.mark.parametrize("name", ["sdxl/unet", "image_encoder"])
def test_weights_that_are_no_safetensors_are_not_opened(
    name: str, models: Path, tmp_path: Path
) -> None:
    shutil.copytree(models, tmp_path / "models")
    for path in (tmp_path / "models" / name).glob("*.safetensors"):
        path.rename(path.with_suffix(".bin"))
    with pytest.raises(
        Refused, match=r"models: can't load .*; fetch it again, as safetensors"
    ) as caught:
        load_painter(tmp_path / "models")
    assert "\n" not in str(caught.value)


def test_without_models_it_is_told_what_to_name(tmp_path: Path) -> None:
    write_seeds(tmp_path / "seeds", ["bo"])
    with pytest.raises(InvalidInput, match="models: MS-Diffusion needs its models; name their"):
        accept(Order("msdiffusion", "yollava", tmp_path / "out", tmp_path / "seeds"))
