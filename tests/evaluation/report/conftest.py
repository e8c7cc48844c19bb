"""A run over stripes, and its report."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from evaluation import results
from evaluation.plan import Settings
from evaluation.report import write
from evaluation.results import Results
from evaluation.run import run
from evaluation.statistics import bootstrap
from evaluation.tasks import numbers
from tests.evaluation.conftest import ALL
from tests.evaluation.stripes import StripeSystem, capabilities, write_further, write_world


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of four methods, one of which trains, and its report."""
    folder = tmp_path_factory.mktemp("reported")
    data = write_world(folder).rename(folder / "msbench")
    shutil.copytree(data, folder / "original")
    _draw(data)
    systems = (
        StripeSystem("kith"),
        StripeSystem("rap", near=2.0),  # takes every stranger for somebody
        StripeSystem("none", capabilities=capabilities("none", retrieval=False)),
        StripeSystem(
            "yollava-s",
            told=True,
            capabilities=capabilities(
                "yollava-s", training=True, real_time_edit=False, retrieval=False
            ),
        ),
    )
    settings = Settings(
        methods=tuple(one.name for one in systems),
        datasets=(data, folder / "original"),
        outside=folder / "outside",
        outside_multi=folder / "outside-multi",
        distractors=write_further(folder),
        memory_sizes=(4, 8),
        extent=ALL,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "bootstrap", partial(bootstrap, draws=20))
        run(settings, folder / "out", {one.name: one.opened for one in systems}, lambda _: None)
        write(folder / "out")
    return folder / "out"


def _draw(data: Path) -> None:
    """Say that an engine drew the photos of a world."""
    manifest = data / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    told["files"] = [
        {"file": file, "role": role, "source": "playroom"}
        for role in ("test", "multi")
        for concept in told["concepts"].values()
        for file in concept.get(role, [])
    ]
    manifest.write_text(json.dumps(told), encoding="utf-8")


@pytest.fixture(scope="session")
def found(out: Path) -> Results:
    return results.read(out)
