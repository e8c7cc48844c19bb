"""A finished dataset is whole, tells all of itself, and loads as `datasets` reads it."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from datagen.dataset import Dataset
from datagen.making import Commission
from datagen.plan import Plan, draw_up
from datagen.seeds import read_seeds
from tests.datagen.small import (
    Flat,
    commission,
    described,
    finish,
    small_layout,
    tree,
    write_seeds,
)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A dataset of somebody's own pictures, with real photos, by an engine that knows nothing."""
    write_seeds(tmp_path / "seeds", ["bo", "zoë"], photos=2)
    layout = small_layout(tmp_path)
    sources = read_seeds(tmp_path / "seeds", layout)
    engine = Flat()
    plan = draw_up(layout, [one.concept for one in sources], engine.settings)
    finish(Commission(layout, plan, sources, engine, Dataset(tmp_path / "own")))
    return tmp_path / "own"


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def kind(value: object) -> object:
    """What a column of `datasets` would be made of; None fits every kind."""
    if isinstance(value, dict):
        return {key: kind(part) for key, part in value.items()}
    if isinstance(value, list):
        return [kind(value[0])] if value else None
    return None if value is None else type(value)


def merged(one: object, other: object) -> object:
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, dict) and isinstance(other, dict):
        assert list(one) == list(other)
        return {key: merged(one[key], other[key]) for key in one}
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])]
    assert one == other
    return one


@pytest.mark.parametrize("name", ["made", "own"])
def test_every_split_has_the_same_columns_and_names_exactly_its_pictures(
    name: str, request: pytest.FixtureRequest
) -> None:
    out: Path = request.getfixturevalue(name)
    columns = []
    for part in ("train", "test", "multi"):
        rows = lines(out / part / "metadata.jsonl")
        named = sorted(row["file_name"] for row in rows)
        there = sorted(p.relative_to(out / part).as_posix() for p in (out / part).rglob("*.jpg"))
        assert named == there
        columns.append(kind(rows[0]))
        for row in rows:
            columns[-1] = merged(columns[-1], kind(row))
    assert columns[0] == columns[1] == columns[2]


def test_the_card_tells_datasets_where_the_splits_lie(made: Path) -> None:
    card = (made / "README.md").read_text(encoding="utf-8")
    default, seeds = yaml.safe_load(card.split("---\n")[1])["configs"]
    assert [one["split"] for one in default["data_files"]] == ["train", "test", "multi"]
    assert seeds["data_files"] == [{"split": "train", "path": "seeds/**"}]
    for one in (*default["data_files"], *seeds["data_files"]):
        folder = made / one["path"].removesuffix("/**")
        assert (folder / "metadata.jsonl").is_file()
    assert "| multi | several concepts, to test with | 3 | 3 |\n" in card
    assert "- Apache-2.0: 5 concepts" in card
    assert "kith datagen make --engine playroom --split FILE --seed 0 --out DIR" in card
    assert max(map(len, card.splitlines())) <= 101


def test_a_row_holds_the_whole_truth(made: Path) -> None:
    row = next(r for r in lines(made / "multi" / "metadata.jsonl") if len(r["concepts"]) == 3)
    pet, thing, top = row["subjects"]
    assert row["concepts"] == [one["concept"] for one in row["subjects"]]
    assert (pet["category"], thing["noun"], top["worn_by"]) == ("pet", "cup", pet["concept"])
    assert top["planned_box"] == [0.0, 0.25, 0.5, 0.75]
    assert 0 <= top["box"][0] < top["box"][2] <= 1
    assert all(f"<{name}>" in row["caption"] for name in row["concepts"])
    assert {"question", "answer", "kind"} == set(row["questions"][0])
    assert (row["source"], row["attempt"], row["table"]) == ("playroom", 0, "3.5")
    with Image.open(made / "multi" / row["file_name"]) as picture:
        assert picture.size == (320, 320)


def test_checksums_cover_everything_but_themselves_and_the_work(made: Path) -> None:
    told = dict(
        reversed(line.split("  ")) for line in (made / "checksums.sha256").read_text().splitlines()
    )
    there = {name: digest for name, digest in tree(made).items() if not name.startswith(".work/")}
    assert told == {name: one for name, one in there.items() if name != "checksums.sha256"}


def test_decisions_and_plan_stand_beside_the_pictures(made: Path) -> None:
    plan = Plan.from_json((made / "plan.json").read_text(encoding="utf-8"))
    decisions = lines(made / "decisions.jsonl")
    assert {one["id"] for one in decisions} == {job.id for job in plan.jobs}
    assert {(one["decision"], one["cause"], one["attempt"]) for one in decisions} == {
        ("keep", "", 0)
    }


def test_its_seeds_are_seeds_for_another_dataset(made: Path, tmp_path: Path) -> None:
    plan = Plan.from_json((made / "plan.json").read_text(encoding="utf-8"))
    seeds = read_seeds(made / "seeds", small_layout(tmp_path))
    assert sorted(described(seeds)) == sorted((one.name, one.category) for one in plan.concepts)
    assert {len(seed.train) for seed in seeds} == {2}
    rows = lines(made / "seeds" / "metadata.jsonl")
    assert len(rows) == 10
    assert all((made / "seeds" / row["file_name"]).is_file() for row in rows)


def test_real_photos_lie_beside_the_drawn_ones_of_the_same_concepts(own: Path) -> None:
    rows = lines(own / "test" / "metadata.jsonl")
    real = [row for row in rows if row["source"] == "real"]
    assert {row["source"] for row in rows} == {"real", "flat"}
    assert [(row["file_name"], row["concepts"]) for row in real] == [
        ("real/bo/01.jpg", ["bo"]),
        ("real/bo/02.jpg", ["bo"]),
        ("real/zoë/01.jpg", ["zoë"]),
        ("real/zoë/02.jpg", ["zoë"]),
    ]
    card = (own / "README.md").read_text(encoding="utf-8")
    assert "4 real photos in `test`" in card
    assert "- not stated: 2 concepts" in card


def test_a_part_without_pictures_is_no_split(tmp_path: Path) -> None:
    ordered = commission(tmp_path / "out", limit=2)
    finish(replace(ordered, engine=Flat()))
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert re.findall("split: (.*)", card) == ["train", "test", "train"]
    assert not (tmp_path / "out" / "multi").exists()


def test_the_contact_sheet_shows_every_part(made: Path) -> None:
    with Image.open(made / "contact.png") as sheet:
        assert sheet.size == (1440, 4 * (32 + 196))
        assert sheet.convert("RGB").getpixel((2, 2)) != sheet.convert("RGB").getpixel((90, 120))
