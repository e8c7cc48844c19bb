import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from evaluation import bench
from evaluation.extent import Extent
from evaluation.samples import Task
from evaluation.tasks.asking import Limits as Questions
from kith.errors import InvalidInput
from memory_db import Concept
from pocket import measure_asking
from services.assistant import prompts
from services.assistant.prompts import Reference
from services.generation.llava_model import LlavaModel
from services.generation.prompt import render
from services.runtime.profile import Profile
from services.runtime.types import Limits, Turn

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LITTLE = Questions(queries=1, photos=1, multis=1, outside=0)


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
    # A model that always says no.
    monkeypatch.setattr(measure_asking, "yes_over_no", lambda *_: -1.0)
    head, _, *lines, empty, said = measure_asking.measure(drawn, tmp_path / "run")
    assert head.count("|") == 8
    assert (empty, said[:11]) == ("", "Answers of ")
    cells = {name.strip(): figures for _, name, *figures in (line.split("|") for line in lines)}
    assert list(cells) == list(chosen)
    shipped, marked, doubted = (float(of[0].split()[0]) for of in cells.values())
    assert shipped > 0
    assert marked > 0
    assert doubted == 0  # captions name nobody, for nobody is left
    questions = {name: asked(tmp_path / "run" / "answers" / name) for name in chosen}
    assert len({frozenset(ids) for ids in questions.values()}) == 1
    assert all(questions.values())


def test_boxes_are_drawn_on_the_first_photo_around_those_who_were_found_there() -> None:
    concept = Concept("1", "bo", "dog", "", "", NOW, NOW, ())
    seen = Reference(concept, Image.new("RGB", (8, 8)), {0: (10.0, 10.0, 50.0, 50.0)})
    photo = Image.new("RGB", (100, 100), "white")
    told = measure_asking.IDEAS["boxes drawn on the photo"].told
    (turn,) = told([Turn("user", (photo, "Who is this?"))], [seen])
    drawn, words = turn.parts
    assert isinstance(drawn, Image.Image)
    assert (drawn.getpixel((10, 30)), drawn.getpixel((30, 30))) == ((255, 0, 0), (255, 255, 255))
    assert photo.getpixel((10, 30)) == (255, 255, 255)
    assert "<bo>" in str(words)


def test_the_likelier_of_yes_and_no_is_what_the_model_says() -> None:
    model = LlavaModel(Profile.load("pocket").generator)
    photo = Image.new("RGB", (64, 64), "white")
    concept = Concept("1", "bo", "dog", "", "", NOW, NOW, ())
    for reference in ([Reference(concept, photo)], [Reference(concept, photo, there=False)]):
        asked = [Turn("user", (photo, "Is <bo> in this picture?"))]
        turns = prompts.lay_out(prompts.with_findings(asked, reference), reference, prompts.kith)
        messages, images = render(turns, model.special)
        inputs = model.read([model.prompt(messages)], images)
        said = "".join(str(one) for one in model.write(inputs, Limits(max_tokens=1)))
        assert said.startswith(("Yes", "No"))
        assert (measure_asking.yes_over_no(model, turns) > 0) == said.startswith("Yes")


def test_ideas_are_not_chosen_by_test_identities(tmp_path: Path) -> None:
    for told in ("{}", '{"identities": "test"}', "rubbish"):
        (tmp_path / "bench.json").write_text(told)
        with pytest.raises(InvalidInput, match="no bench of validation identities"):
            next(iter(measure_asking.measure(tmp_path, tmp_path / "run")))


def asked(folder: Path) -> set[str]:
    """Ids of what was asked of one idea."""
    journals = [file.read_text(encoding="utf-8") for file in folder.glob("*.jsonl")]
    rows = (json.loads(line) for journal in journals for line in journal.splitlines())
    return {row["sample"]["id"] for row in rows if "sample" in row}
