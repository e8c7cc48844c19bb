import copy
import math
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
import yaml

from datagen.layout import Layout, Targets
from datagen.layout_files import load, shipped
from datagen.layout_files import read as read_layout
from datagen.playroom import CATEGORIES
from datagen.prompts import fill
from kith.errors import InvalidInput, NotFound

ROOT = Path(__file__).resolve().parents[2]
SMALL: dict[str, Any] = {
    "name": "small",
    "title": "a test",
    "scenarios": 1,
    "pictures": 2,
    "articles": "added",
    "targets": {"train": 2, "test": 1, "multi": 1},
    "concepts": {"pet": {"count": 2, "playroom": ["dog"]}},
    "single": [
        {
            "subjects": [{"role": "concept", "category": "pet", "box": [0.25, 0.25, 0.75, 0.75]}],
            "prompts": ["{concept} in the snow"],
        }
    ],
    "multi": [
        {
            "subjects": [
                {"role": "pet", "category": "pet", "box": [0, 0.25, 0.5, 0.75]},
                {"role": "pet", "category": "pet", "box": [0.5, 0.25, 1, 0.75]},
            ],
            "prompts": ["{pet} and {pet}"],
        }
    ],
}
SUBJECT = ("multi", 0, "subjects", 0)


def read(told: object, folder: Path) -> Layout:
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    return read_layout(path)


@pytest.mark.parametrize("name", ["msbench", "yollava"])
def test_a_split_of_mp_bench_has_forty_concepts_and_six_scenarios(name: str) -> None:
    split = load(name)
    assert sum(category.count for category in split.concepts.values()) == 40
    assert {len(one.prompts) for one in (*split.single.values(), *split.multi)} == {6}
    assert all(one.table or one.ours == 6 for one in (*split.single.values(), *split.multi))


@pytest.mark.parametrize(
    ("name", "subjects", "targets"),
    [
        ("yollava", {2}, Targets(375, 333, 139)),
        ("msbench", {3}, Targets(273, 195, 176)),
    ],
)
def test_a_split_wants_what_the_thesis_kept(
    name: str, subjects: set[int], targets: Targets
) -> None:
    split = load(name)
    assert {len(one.subjects) for one in split.multi} == subjects
    assert split.targets == targets


def test_the_scene_fills_the_picture_wherever_it_is_named() -> None:
    multi = load("msbench").multi
    scenes = [part.box for one in multi for part in one.subjects if part.category == "scene"]
    assert scenes == [(0, 0, 1, 1)] * 3


@pytest.mark.parametrize("name", shipped())
def test_playroom_has_a_category_for_each_of_a_layout(name: str) -> None:
    for category in load(name).concepts.values():
        assert set(category.playroom) <= set(CATEGORIES)


def test_ms_diffusions_own_bench_has_its_published_size() -> None:
    bench = load("msdiffusion")
    tuples = prompts = 0
    for one in bench.multi:
        kinds = [part.category for part in one.subjects]
        chosen = [
            list(combinations(range(bench.concepts[kind].count), kinds.count(kind)))
            for kind in dict.fromkeys(kinds)
        ]
        count = math.prod(map(len, chosen))
        assert count == len(list(product(*chosen)))
        tuples += count
        prompts += count * len(one.prompts)
    assert (len(bench.multi), tuples, prompts) == (13, 1148, 4488)


@pytest.mark.parametrize("name", shipped())
def test_every_prompt_of_a_layout_takes_its_nouns(name: str) -> None:
    split = load(name)
    for one in (*split.single.values(), *split.multi):
        roles = [part.role for part in one.subjects]
        nouns = [f"noun{number}" for number in range(len(roles))]
        for prompt in one.prompts:
            filled = fill(prompt, roles, nouns, split.adds_articles)
            assert "{" not in filled
            assert all(filled.casefold().count(noun) == 1 for noun in nouns)


def test_an_unknown_split_is_told_with_the_known_ones() -> None:
    said = r"'zork'; give one of msbench, msdiffusion, yollava, or a file of your own"
    with pytest.raises(NotFound, match=said):
        load("zork")


def test_a_layout_of_ones_own_is_loaded_from_its_file_and_takes_no_name_of_kiths(
    tmp_path: Path,
) -> None:
    assert read(SMALL, tmp_path) == load(str(tmp_path / "small.yaml"))
    read(SMALL | {"name": "msbench"}, tmp_path)
    with pytest.raises(InvalidInput, match=r"small\.yaml: name: 'msbench' comes with Kith; choose"):
        load(str(tmp_path / "small.yaml"))


def test_the_example_shows_two_combinations_and_stands_in_the_docs_as_it_is() -> None:
    example = ROOT / "examples" / "datagen" / "breakfast.yaml"
    assert [one.name for one in read_layout(example).multi] == ["pet, dish", "dish, dish"]
    page = (ROOT / "docs" / "mp-bench.md").read_text(encoding="utf-8")
    assert f"```yaml\n{example.read_text(encoding='utf-8')}```\n" in page


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "other"},
        {"title": "other"},
        {"pictures": 3},
        {"articles": "as_written"},
        {"targets": {"train": 1, "test": 1, "multi": 1}},
        {"concepts": {"pet": {"count": 3, "playroom": ["dog"]}}},
        {"single": [SMALL["single"][0] | {"prompts": ["{concept} in a room"]}]},
        {"multi": [SMALL["multi"][0] | {"table": "3.5"}]},
    ],
    ids=lambda changed: str(*changed),
)
def test_whatever_a_layout_says_is_in_its_digest(changed: dict[str, Any], tmp_path: Path) -> None:
    assert read(SMALL, tmp_path).sha256 == read(SMALL, tmp_path).sha256
    assert read(SMALL | changed, tmp_path).sha256 != read(SMALL, tmp_path).sha256


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ((*SUBJECT, "box"), [0.65, 0.25, 0.65, 0.75], r"subjects\[0\]\.box: \[0\.65.* is empty"),
        ((*SUBJECT, "box"), [0, 0, 1.5, 1], r"box: \[0, 0, 1\.5, 1\] is empty or outside"),
        ((*SUBJECT, "box"), [0, 0, float("nan"), 1], r"box: .*nan.* is empty or outside"),
        ((*SUBJECT, "box"), "all", r"box: 'all' is not four numbers"),
        ((*SUBJECT, "box"), [False, 0.25, True, 0.75], r"box: \[False, .* is not four numbers"),
        ((*SUBJECT, "role"), "the pet", r"subjects\[0\]\.role: 'the pet' is not of letters"),
        ((*SUBJECT, "category"), "cow", r"category: 'cow' is unknown; one of pet"),
        ((*SUBJECT, "hat"), True, r"subjects\[0\]: 'hat' is unknown; it has role, category, box"),
        (("multi", 0, "prompts", 0), "{pet} and {dog}", r"prompts\[0\]: \{dog\} is no subject's"),
        (("multi", 0, "prompts", 0), "{pet} alone", r"\{pet\} stands there 1 times for 2"),
        (("multi", 0, "prompts", 0), "{pet} and {pet", r"prompts\[0\]: .*pet': a brace belongs"),
        (("multi", 0, "prompts", 0), "{pet!r}, {pet}", r"prompts\[0\]: '\{pet!r\}.*: a brace"),
        (("multi", 0, "prompts", 0), "{pet:>9}, {pet}", r"prompts\[0\]: '\{pet:>9\}.*: a brace"),
        (
            ("single", 0, "prompts", 0),
            "{{concept}} {concept}",
            r"single\[0\]\.prompts\[0\]: .*brace",
        ),
        (("multi", 0, "prompts"), [], r"multi\[0\]\.prompts: is empty"),
        (("multi",), [], r"multi: \[\] is not a list"),
        (("scenarios",), 2, r"single\[0\]\.prompts: 1 prompts for 2 scenarios"),
        (("scenarios",), 0, r"scenarios: 0 is not a whole number"),
        (("targets", "train"), 4, r"targets: 5 single pictures of 2 concepts; 4 at most"),
        (("targets", "multi"), 3, r"targets\.multi: 3 pictures of 1 groups; 2 at most"),
        (("concepts", "pet", "count"), 1, r"multi\[0\]\.subjects: 2 of pet, of which there are 1"),
        (("concepts", "pet", "playroom"), ["dragon"], r"pet\.playroom\[0\]: 'dragon' is none of"),
        (("single",), SMALL["single"] * 2, r"single\[1\]: 'pet' has its prompts in another"),
        (("articles",), "some", r"articles: 'some' is not added or as_written; correct it"),
        (("articles",), None, r"articles: is missing or empty; give added or as_written"),
        (("concepts", "pet"), None, r"concepts\.pet: is missing or empty; give lines of count"),
        (("concepts",), "pet", r"concepts: 'pet' is not lines such as 'name: value'; correct it"),
        ((*SUBJECT, "box"), None, r"box: is missing or empty; give four numbers x1, y1, x2, y2"),
        (("title",), None, r"title: is missing or empty; give a text"),
        (("single",), [], r"single: no prompts for pet"),
        (("colour",), "red", r"the file: 'colour' is unknown"),
    ],
)
def test_a_layout_that_does_not_fit_names_file_entry_and_value(
    place: tuple[str | int, ...], value: object, said: str, tmp_path: Path
) -> None:
    told = copy.deepcopy(SMALL)
    assert read(told, tmp_path).name == "small"
    at: Any = told
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    with pytest.raises(InvalidInput, match=rf"layout: small\.yaml: .*{said}"):
        read(told, tmp_path)


def test_too_few_prompts_of_a_combination_name_its_entry(tmp_path: Path) -> None:
    told = copy.deepcopy(SMALL) | {"scenarios": 2}
    told["single"][0]["prompts"] *= 2
    with pytest.raises(InvalidInput, match=r"multi\[0\]\.prompts: 1 prompts for 2 scenarios"):
        read(told, tmp_path)


BROKEN = [b"name: [", b"\xff\xfe\xff", b"- 1", b"", b"[" * 9999, b"name: a\nname: b"]


@pytest.mark.parametrize("content", BROKEN)
def test_a_file_that_is_no_layout_is_told_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(InvalidInput, match=r"^layout: bad\.yaml: the file: [^\n]+$"):
        read_layout(tmp_path / "bad.yaml")
