import json
from pathlib import Path

import pytest

from evaluation import bench
from evaluation.extent import Extent
from evaluation.samples import Task
from evaluation.tasks.asking import Limits
from pocket import measure_asking

LITTLE = Limits(queries=1, photos=1, multis=1, outside=0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("asking")
    bench.build(folder, quick=True, progress=lambda *_: None, identities="validation")
    return folder


@pytest.mark.timeout(300)
def test_every_idea_is_asked_the_same_questions_and_has_a_line(
    drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    little = Extent(LITTLE, LITTLE, LITTLE, few=1)
    ideas = ("as shipped", "boxes drawn on the photo")
    chosen = {name: measure_asking.IDEAS[name] for name in ideas}
    chosen["all are in doubt"] = measure_asking.IDEAS["matches in doubt are put to the model"]
    monkeypatch.setattr(measure_asking, "EXTENT", little)
    monkeypatch.setattr(measure_asking, "TASKS", (Task.CAPTIONING,))
    monkeypatch.setattr(measure_asking, "IN_DOUBT", 1.0)
    monkeypatch.setattr(measure_asking, "IDEAS", chosen)
    head, _, *lines = measure_asking.measure(drawn, tmp_path / "run")
    assert head.count("|") == 7
    assert [line.split("|")[1].strip() for line in lines] == list(chosen)
    questions = {name: asked(tmp_path / "run" / "answers" / name) for name in chosen}
    assert len({frozenset(ids) for ids in questions.values()}) == 1
    assert all(questions.values())


def asked(folder: Path) -> set[str]:
    """Ids of what was asked of one idea."""
    journals = [file.read_text(encoding="utf-8") for file in folder.glob("*.jsonl")]
    rows = (json.loads(line) for journal in journals for line in journal.splitlines())
    return {row["sample"]["id"] for row in rows if "sample" in row}
