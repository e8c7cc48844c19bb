"""The page a demonstration leaves: one file that needs no other, in light and dark."""

import base64
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from string import Template

from kith.demo.judge import Naming
from kith.demo.play import MODELS, Answered, Looked, Remembered, Step, score, seconds
from kith.demo.story import Scene
from kith.messages import Box

_TEMPLATE = Path(__file__).with_name("page.html")
_COLORS = ("#1f6fb2", "#b4462f", "#7a4fb0", "#2c7a55", "#a3641a", "#b03a75", "#4a6572")
"""White letters are readable on each."""
_LABEL_HEIGHT = 0.09
"""Of the picture; a label that would leave it at the top stands inside its box."""


def page(steps: list[Step], *, method: str, profile: str) -> str:
    """The page that tells `steps`, as HTML."""
    remembered = [step for step in steps if isinstance(step, Remembered)]
    colors = {
        step.introduction.name: _COLORS[number % len(_COLORS)]
        for number, step in enumerate(remembered)
    }
    looks = [step for step in steps if isinstance(step, Looked)]
    answers = [step for step in steps if isinstance(step, Answered)]
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        intro=(
            "Every picture below was drawn for this demonstration, and none was seen by the "
            "models before. The truth about each is known, so that what was said could be "
            f"counted; what was wrong is left in. {escape(MODELS[profile])}"
        ),
        tiles=_tiles(steps),
        remembered="".join(_introduction(step, colors) for step in remembered),
        scenes="".join(
            _scene(look, [one for one in answers if one.scene == look.scene], colors)
            for look in looks
        ),
        memory="".join(_answer(one) for one in answers if one.scene is None),
        footer=escape(f"Method {method}, profile {profile}, on this machine."),
    )


def _tiles(steps: list[Step]) -> str:
    counted = score(steps)
    loading, story = seconds(steps)
    tiles = (
        (f"{counted.names_right} of {counted.names}", "names right"),
        (f"{counted.strangers_unnamed} of {counted.strangers}", "strangers left unnamed"),
        (f"{counted.answers_right} of {counted.answers}", "answers right"),
        (f"{loading:.1f} s", "to load the models"),
        (f"{story:.1f} s", "for the story"),
    )
    return "".join(
        f'<div class="tile"><b>{escape(figure)}</b><span class="soft">{escape(what)}</span></div>'
        for figure, what in tiles
    )


def _introduction(step: Remembered, colors: Mapping[str, str]) -> str:
    one = step.introduction
    return (
        f'<article class="card"><div class="picture">{_image(one.picture, one.description)}</div>'
        f'<div class="text">{_tag(one.name, colors)}'
        f'<div class="soft">{escape(step.concept.description)}</div>'
        f"{_problem(step.problem)}</div></article>"
    )


def _scene(look: Looked, answers: Iterable[Answered], colors: Mapping[str, str]) -> str:
    boxes = "".join(_box(naming, look, colors) for naming in look.namings)
    verdicts = "".join(_naming(naming) for naming in look.namings)
    if look.left_unnamed and not look.namings:
        verdicts = _mark("nobody known", True)
    return (
        f'<article class="card"><div class="picture">{_picture(look.scene)}{boxes}</div>'
        f'<div class="text"><h3>{escape(look.scene.title)}</h3>'
        f'<div class="names">{_problem(look.problem)}{verdicts}</div>'
        f"<ul>{''.join(map(_answer, answers))}</ul></div></article>"
    )


def _answer(step: Answered) -> str:
    mark = _mark("right", True) if step.right else _mark(f"wrong: {step.question.answer}", False)
    return (
        f'<li><div class="q">{escape(step.question.text)}</div>'
        f'<span class="a">{escape(step.answer.text.strip())}</span> '
        f"{_problem(step.problem)}{mark}</li>"
    )


def _naming(naming: Naming) -> str:
    said = f"<{naming.name}> {naming.verdict}"
    return _mark(said, naming.verdict == "right")


def _box(naming: Naming, look: Looked, colors: Mapping[str, str]) -> str:
    missed = naming.verdict == "missed"
    place: Box | None = naming.true if missed else naming.said
    if place is None or look.problem:
        return ""
    found = look.found
    left, top = place.x1 / found.width, place.y1 / found.height
    wide, high = (place.x2 - place.x1) / found.width, (place.y2 - place.y1) / found.height
    kinds = ["box", *(["missed"] if missed else []), *(["low"] if top < _LABEL_HEIGHT else [])]
    return (
        f'<div class="{" ".join(kinds)}" style="--name:{colors.get(naming.name, _COLORS[-1])};'
        f'left:{left:.2%};top:{top:.2%};width:{wide:.2%};height:{high:.2%}">'
        f'<span class="tag">{escape(naming.name)}{" missed" if missed else ""}</span></div>'
    )


def _problem(text: str) -> str:
    return f'<div class="soft">{escape(text)}</div>' if text else ""


def _mark(text: str, right: bool) -> str:
    sign = "✓" if right else "✗"
    return f'<span class="mark{"" if right else " wrong"}">{sign} {escape(text)}</span>'


def _tag(name: str, colors: Mapping[str, str]) -> str:
    return f'<span class="tag" style="--name:{colors[name]}">{escape(name)}</span>'


def _picture(scene: Scene) -> str:
    return _image(scene.picture, scene.title)


def _image(path: Path, alt: str) -> str:
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    kind = path.suffix.removeprefix(".")
    return f'<img src="data:image/{kind};base64,{data}" alt="{escape(alt, quote=True)}">'
