"""What a dataset is to show: categories, their combinations, boxes and prompts, read from YAML.

The layouts that ship stand in `datagen/layouts`: MP-Bench's two splits (thesis, Tables 3.2 to 3.7)
and MS-Diffusion's own benchmark. Another is a file of the same form.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from datagen.playroom import CATEGORIES
from datagen.prompts import is_role, roles_in
from datagen.yaml_files import read_yaml
from kith.errors import InvalidInput, NotFound

FOLDER: Final = Path(__file__).with_name("layouts")

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in shares of the picture, origin at the top left corner."""


@dataclass(frozen=True)
class Part:
    """What one subject of a picture has to be, and where."""

    role: str
    """Its placeholder in the prompts. One that several subjects have is bound in their order."""
    category: str
    box: Box


@dataclass(frozen=True)
class Combination:
    """The subjects of a picture, and the prompts that may show them together."""

    subjects: tuple[Part, ...]
    prompts: tuple[str, ...]
    """Those of the source first, then ours."""
    ours: int
    """How many of them, the last ones, are not from the source."""
    table: str
    """Of the thesis, as in "3.5"; empty where no table has it."""

    @property
    def name(self) -> str:
        """The categories, as in "person, pet"."""
        return ", ".join(part.category for part in self.subjects)

    @property
    def needs(self) -> Counter[str]:
        """How many concepts of each category a picture shows."""
        return Counter(part.category for part in self.subjects)


@dataclass(frozen=True)
class Category:
    """How many concepts of a kind the layout is made for."""

    count: int
    playroom: tuple[str, ...]
    """The categories of Playroom that stand for it, taken in turn."""


@dataclass(frozen=True)
class Targets:
    """Pictures to be kept, as the thesis counts them (3.5.3)."""

    train: int
    """Of one concept each, for training."""
    test: int
    """Of one concept each, for testing."""
    multi: int
    """Of several concepts each, for testing."""


@dataclass(frozen=True)
class Layout:
    """A whole layout."""

    name: str
    title: str
    scenarios: int
    """Prompts used of each combination, the first ones."""
    pictures: int
    """Pictures a scenario."""
    adds_articles: bool
    """Whether a noun gets an article where the prompt has none before its placeholder."""
    concepts: Mapping[str, Category]
    single: Mapping[str, Combination]
    """By category."""
    multi: tuple[Combination, ...]
    targets: Targets | None
    """None: every tuple of concepts, each prompt, `pictures` times."""

    @property
    def sha256(self) -> str:
        """Of all that it says, in hexadecimal; a file's comments and spacing do not count."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()


def shipped() -> list[str]:
    """The names of the layouts that come with Kith."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(split: str) -> Layout:
    """A layout that comes with Kith, by its name, or one's own, by its file's.

    Args:
        split: As in "msbench", or a path that ends in `.yaml` or `.yml`.

    Raises:
        NotFound: None that comes with Kith is called so.
        InvalidInput: As `read`, or it has the name of one that comes with Kith.
    """
    if split in shipped():
        return read(FOLDER / f"{split}.yaml")
    path = Path(split)
    if path.suffix not in (".yaml", ".yml"):
        raise NotFound(
            f"split: there is no layout {split!r}; give one of {', '.join(shipped())}, or a file "
            "of your own, as in mine.yaml",
            reason="LAYOUT_UNKNOWN",
            field="split",
        )
    own = read(path)
    if own.name in shipped():
        raise _invalid(path, "name", f"{own.name!r} comes with Kith; choose another")
    return own


def read(path: Path) -> Layout:
    """The layout in a file.

    Raises:
        InvalidInput: It can't be read, or does not fit together; the message names the file, the
            entry and the value.
    """
    try:
        told = read_yaml(path)
    except OSError as error:
        raise _invalid(path, "the file", f"{error.strerror}; name another") from error
    except ValueError as error:
        raise _invalid(path, "the file", f"can't be read: {error}; mend it") from error
    return _Reader(path).layout(told)


class _Reader:
    """Turns what stands in a file into a layout, and knows the file when something is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def layout(self, told: object) -> Layout:
        keys = "name title scenarios pictures articles targets concepts single multi"
        top = self._mapping("the file", told, keys)
        concepts = {
            name: self._category(f"concepts.{name}", one)
            for name, one in self._mapping("concepts", top.get("concepts")).items()
        }
        scenarios = self._count("scenarios", top.get("scenarios"))
        read = self._combination_of(concepts)
        single = [
            read(f"single[{i}]", one) for i, one in enumerate(self._list("single", top, missing=[]))
        ]
        multi = [read(f"multi[{i}]", one) for i, one in enumerate(self._list("multi", top))]
        articles = top.get("articles")
        if articles not in ("added", "as_written"):
            raise self._unlike("articles", articles, "added or as_written")
        layout = Layout(
            name=self._text("name", top.get("name")),
            title=self._text("title", top.get("title")),
            scenarios=scenarios,
            pictures=self._count("pictures", top.get("pictures")),
            adds_articles=articles == "added",
            concepts=concepts,
            single=self._by_category(single),
            multi=tuple(multi),
            targets=self._targets(top["targets"]) if "targets" in top else None,
        )
        self._check_needs(layout)
        if layout.targets is not None:
            self._check_prompts(layout)
            self._check_targets(layout, layout.targets)
        return layout

    def _by_category(self, single: Sequence[Combination]) -> dict[str, Combination]:
        found: dict[str, Combination] = {}
        for i, one in enumerate(single):
            if len(one.subjects) != 1:
                raise self._wrong(f"single[{i}].subjects", "must be one")
            if one.name in found:
                raise self._wrong(f"single[{i}]", f"{one.name!r} has its prompts in another one")
            found[one.name] = one
        return found

    def _category(self, entry: str, told: object) -> Category:
        one = self._mapping(entry, told, "count playroom")
        kinds = self._list(f"{entry}.playroom", one, key="playroom")
        return Category(
            self._count(f"{entry}.count", one.get("count")),
            tuple(self._kind(f"{entry}.playroom[{i}]", kind) for i, kind in enumerate(kinds)),
        )

    def _kind(self, entry: str, told: object) -> str:
        kind = self._text(entry, told)
        if kind not in CATEGORIES:
            known = ", ".join(CATEGORIES)
            raise self._wrong(entry, f"{kind!r} is none of Playroom's categories; one of {known}")
        return kind

    def _combination_of(
        self, concepts: Mapping[str, Category]
    ) -> Callable[[str, object], Combination]:
        def read(entry: str, told: object) -> Combination:
            one = self._mapping(entry, told, "subjects prompts ours table")
            subjects = tuple(
                self._part(f"{entry}.subjects[{i}]", part, concepts)
                for i, part in enumerate(self._list(f"{entry}.subjects", one, key="subjects"))
            )
            written = {
                field: tuple(
                    self._prompt(f"{entry}.{field}[{i}]", prompt, subjects)
                    for i, prompt in enumerate(
                        self._list(f"{entry}.{field}", one, key=field, missing=[])
                    )
                )
                for field in ("prompts", "ours")
            }
            prompts = written["prompts"] + written["ours"]
            if not prompts:
                raise self._wrong(f"{entry}.prompts", "is empty; give at least one")
            return Combination(subjects, prompts, len(written["ours"]), str(one.get("table", "")))

        return read

    def _part(self, entry: str, told: object, concepts: Mapping[str, Category]) -> Part:
        one = self._mapping(entry, told, "role category box")
        category = self._text(f"{entry}.category", one.get("category"))
        if category not in concepts:
            known = ", ".join(concepts)
            raise self._wrong(f"{entry}.category", f"{category!r} is unknown; one of {known}")
        return Part(
            self._role(f"{entry}.role", one.get("role")),
            category,
            self._box(f"{entry}.box", one.get("box")),
        )

    def _role(self, entry: str, told: object) -> str:
        role = self._text(entry, told)
        if not is_role(role):
            raise self._wrong(entry, f"{role!r} is not of letters, digits and underscores alone")
        return role

    def _box(self, entry: str, told: object) -> Box:
        if not isinstance(told, list) or len(told) != 4:
            raise self._unlike(entry, told, "four numbers x1, y1, x2, y2")
        if not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in told):
            raise self._unlike(entry, told, "four numbers x1, y1, x2, y2")
        x1, y1, x2, y2 = told
        if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
            raise self._wrong(entry, f"{told} is empty or outside; x1 < x2, y1 < y2 within 0 to 1")
        return float(x1), float(y1), float(x2), float(y2)

    def _prompt(self, entry: str, told: object, subjects: tuple[Part, ...]) -> str:
        prompt = self._text(entry, told)
        try:
            named = Counter(roles_in(prompt))
        except ValueError as error:
            raise self._wrong(entry, f"{prompt!r}: {error}") from error
        roles = Counter(part.role for part in subjects)
        for role in named:
            if role not in roles:
                known = ", ".join(roles)
                raise self._wrong(entry, f"{{{role}}} is no subject's role; one of {known}")
        for role, times in roles.items():
            if named[role] != times:
                said = f"{{{role}}} stands there {named[role]} times for {times} subjects"
                raise self._wrong(entry, f"{prompt!r}: {said}")
        return prompt

    def _targets(self, told: object) -> Targets:
        one = self._mapping("targets", told, "train test multi")
        counts = {
            part: self._count(f"targets.{part}", one.get(part))
            for part in ("train", "test", "multi")
        }
        return Targets(**counts)

    def _check_needs(self, layout: Layout) -> None:
        """Refuse a combination that the layout itself has not the concepts for."""
        for i, one in enumerate(layout.multi):
            for category, needed in one.needs.items():
                count = layout.concepts[category].count
                if needed > count:
                    said = f"{needed} of {category}, of which there are {count}"
                    raise self._wrong(f"multi[{i}].subjects", said)

    def _check_prompts(self, layout: Layout) -> None:
        """Refuse a layout with targets that has not the prompts for its scenarios."""
        for category in layout.concepts:
            if category not in layout.single:
                raise self._wrong("single", f"no prompts for {category}")
        for entry, combinations in (("single", layout.single.values()), ("multi", layout.multi)):
            for i, one in enumerate(combinations):
                if len(one.prompts) < layout.scenarios:
                    said = f"{len(one.prompts)} prompts for {layout.scenarios} scenarios"
                    raise self._wrong(f"{entry}[{i}].prompts", said)

    def _check_targets(self, layout: Layout, targets: Targets) -> None:
        """Refuse targets of more pictures than there are, with each concept or group in turn."""
        each = layout.scenarios * layout.pictures
        concepts = sum(one.count for one in layout.concepts.values())
        single = targets.train + targets.test
        if single > concepts * each:
            said = f"{single} single pictures of {concepts} concepts; {concepts * each} at most"
            raise self._wrong("targets", said)
        groups = sum(_groups(one, layout.concepts) for one in layout.multi)
        if targets.multi > groups * each:
            said = f"{targets.multi} pictures of {groups} groups; {groups * each} at most"
            raise self._wrong("targets.multi", said)

    def _mapping(self, entry: str, told: object, keys: str = "") -> dict[str, Any]:
        """Lines of a name and a value; the names are among `keys`, where there are some."""
        known = keys.split()
        if not isinstance(told, dict) or not all(isinstance(key, str) for key in told):
            wanted = f"lines of {', '.join(known)}" if known else "lines such as 'name: value'"
            raise self._unlike(entry, told, wanted)
        for key in told:
            if known and key not in known:
                raise self._wrong(entry, f"{key!r} is unknown; it has {', '.join(known)}")
        return told

    def _list(
        self,
        entry: str,
        told: Mapping[str, Any],
        key: str = "",
        missing: list[Any] | None = None,
    ) -> list[Any]:
        found = told.get(key or entry, missing)
        if not isinstance(found, list) or (not found and missing is None):
            raise self._unlike(entry, found, "a list with something in it")
        return found

    def _text(self, entry: str, told: object) -> str:
        if not isinstance(told, str) or not told.strip():
            raise self._unlike(entry, told, "a text")
        return told

    def _count(self, entry: str, told: object) -> int:
        if not isinstance(told, int) or isinstance(told, bool) or told < 1:
            raise self._unlike(entry, told, "a whole number from 1 on")
        return told

    def _unlike(self, entry: str, told: object, wanted: str) -> InvalidInput:
        if told is None:
            return self._wrong(entry, f"is missing or empty; give {wanted}")
        return self._wrong(entry, f"{told!r} is not {wanted}; correct it")

    def _wrong(self, entry: str, what: str) -> InvalidInput:
        return _invalid(self._path, entry, what)


def _groups(combination: Combination, concepts: Mapping[str, Category]) -> int:
    """How many groups of concepts it can show, of as many as the layout is made for."""
    needs = combination.needs.items()
    return math.prod(math.comb(concepts[category].count, needed) for category, needed in needs)


def _invalid(path: Path, entry: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"layout: {path.name}: {entry}: {what}", reason="LAYOUT_INVALID", field="layout"
    )
