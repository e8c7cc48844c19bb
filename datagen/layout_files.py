"""Layouts read from YAML.

Those that ship stand in `datagen/layouts`: MP-Bench's two splits (thesis, Tables 3.2 to 3.7) and
MS-Diffusion's own benchmark. Another is a file of the same form.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from datagen.layout import Box, Category, Combination, Layout, Part, Targets
from datagen.layout_entries import Entries, invalid
from datagen.playroom import CATEGORIES
from datagen.prompts import is_role, roles_in
from datagen.yaml_files import read_yaml
from kith.errors import NotFound

FOLDER: Final = Path(__file__).with_name("layouts")


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
        raise invalid(path, "name", f"{own.name!r} comes with Kith; choose another")
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
        raise invalid(path, "the file", f"{error.strerror}; name another") from error
    except ValueError as error:
        raise invalid(path, "the file", f"can't be read: {error}; mend it") from error
    return _Reader(path).layout(told)


class _Reader(Entries):
    """Turns what stands in a file into a layout."""

    def layout(self, told: object) -> Layout:
        keys = "name title scenarios pictures articles targets concepts single multi"
        top = self.mapping("the file", told, keys)
        concepts = {
            name: self._category(f"concepts.{name}", one)
            for name, one in self.mapping("concepts", top.get("concepts")).items()
        }
        scenarios = self.count("scenarios", top.get("scenarios"))
        read = self._combination_of(concepts)
        single = [
            read(f"single[{i}]", one) for i, one in enumerate(self.items("single", top, missing=[]))
        ]
        multi = [read(f"multi[{i}]", one) for i, one in enumerate(self.items("multi", top))]
        articles = top.get("articles")
        if articles not in ("added", "as_written"):
            raise self.unlike("articles", articles, "added or as_written")
        layout = Layout(
            name=self.text("name", top.get("name")),
            title=self.text("title", top.get("title")),
            scenarios=scenarios,
            pictures=self.count("pictures", top.get("pictures")),
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
                raise self.wrong(f"single[{i}].subjects", "must be one")
            if one.name in found:
                raise self.wrong(f"single[{i}]", f"{one.name!r} has its prompts in another one")
            found[one.name] = one
        return found

    def _category(self, entry: str, told: object) -> Category:
        one = self.mapping(entry, told, "count playroom")
        kinds = self.items(f"{entry}.playroom", one, key="playroom")
        return Category(
            self.count(f"{entry}.count", one.get("count")),
            tuple(self._kind(f"{entry}.playroom[{i}]", kind) for i, kind in enumerate(kinds)),
        )

    def _kind(self, entry: str, told: object) -> str:
        kind = self.text(entry, told)
        if kind not in CATEGORIES:
            known = ", ".join(CATEGORIES)
            raise self.wrong(entry, f"{kind!r} is none of Playroom's categories; one of {known}")
        return kind

    def _combination_of(
        self, concepts: Mapping[str, Category]
    ) -> Callable[[str, object], Combination]:
        def read(entry: str, told: object) -> Combination:
            one = self.mapping(entry, told, "subjects prompts ours table")
            subjects = tuple(
                self._part(f"{entry}.subjects[{i}]", part, concepts)
                for i, part in enumerate(self.items(f"{entry}.subjects", one, key="subjects"))
            )
            written = {
                field: tuple(
                    self._prompt(f"{entry}.{field}[{i}]", prompt, subjects)
                    for i, prompt in enumerate(
                        self.items(f"{entry}.{field}", one, key=field, missing=[])
                    )
                )
                for field in ("prompts", "ours")
            }
            prompts = written["prompts"] + written["ours"]
            if not prompts:
                raise self.wrong(f"{entry}.prompts", "is empty; give at least one")
            return Combination(subjects, prompts, len(written["ours"]), str(one.get("table", "")))

        return read

    def _part(self, entry: str, told: object, concepts: Mapping[str, Category]) -> Part:
        one = self.mapping(entry, told, "role category box")
        category = self.text(f"{entry}.category", one.get("category"))
        if category not in concepts:
            known = ", ".join(concepts)
            raise self.wrong(f"{entry}.category", f"{category!r} is unknown; one of {known}")
        return Part(
            self._role(f"{entry}.role", one.get("role")),
            category,
            self._box(f"{entry}.box", one.get("box")),
        )

    def _role(self, entry: str, told: object) -> str:
        role = self.text(entry, told)
        if not is_role(role):
            raise self.wrong(entry, f"{role!r} is not of letters, digits and underscores alone")
        return role

    def _box(self, entry: str, told: object) -> Box:
        if not isinstance(told, list) or len(told) != 4:
            raise self.unlike(entry, told, "four numbers x1, y1, x2, y2")
        if not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in told):
            raise self.unlike(entry, told, "four numbers x1, y1, x2, y2")
        x1, y1, x2, y2 = told
        if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
            raise self.wrong(entry, f"{told} is empty or outside; x1 < x2, y1 < y2 within 0 to 1")
        return float(x1), float(y1), float(x2), float(y2)

    def _prompt(self, entry: str, told: object, subjects: tuple[Part, ...]) -> str:
        prompt = self.text(entry, told)
        try:
            named = Counter(roles_in(prompt))
        except ValueError as error:
            raise self.wrong(entry, f"{prompt!r}: {error}") from error
        roles = Counter(part.role for part in subjects)
        for role in named:
            if role not in roles:
                known = ", ".join(roles)
                raise self.wrong(entry, f"{{{role}}} is no subject's role; one of {known}")
        for role, times in roles.items():
            if named[role] != times:
                said = f"{{{role}}} stands there {named[role]} times for {times} subjects"
                raise self.wrong(entry, f"{prompt!r}: {said}")
        return prompt

    def _targets(self, told: object) -> Targets:
        one = self.mapping("targets", told, "train test multi")
        counts = {
            part: self.count(f"targets.{part}", one.get(part))
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
                    raise self.wrong(f"multi[{i}].subjects", said)

    def _check_prompts(self, layout: Layout) -> None:
        """Refuse a layout with targets that has not the prompts for its scenarios."""
        for category in layout.concepts:
            if category not in layout.single:
                raise self.wrong("single", f"no prompts for {category}")
        for entry, combinations in (("single", layout.single.values()), ("multi", layout.multi)):
            for i, one in enumerate(combinations):
                if len(one.prompts) < layout.scenarios:
                    said = f"{len(one.prompts)} prompts for {layout.scenarios} scenarios"
                    raise self.wrong(f"{entry}[{i}].prompts", said)

    def _check_targets(self, layout: Layout, targets: Targets) -> None:
        """Refuse targets of more pictures than there are, with each concept or group in turn."""
        each = layout.scenarios * layout.pictures
        concepts = sum(one.count for one in layout.concepts.values())
        single = targets.train + targets.test
        if single > concepts * each:
            said = f"{single} single pictures of {concepts} concepts; {concepts * each} at most"
            raise self.wrong("targets", said)
        groups = sum(_groups(one, layout.concepts) for one in layout.multi)
        if targets.multi > groups * each:
            said = f"{targets.multi} pictures of {groups} groups; {groups * each} at most"
            raise self.wrong("targets.multi", said)


def _groups(combination: Combination, concepts: Mapping[str, Category]) -> int:
    """How many groups of concepts it can show, of as many as the layout is made for."""
    needs = combination.needs.items()
    return math.prod(math.comb(concepts[category].count, needed) for category, needed in needs)
