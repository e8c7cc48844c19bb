"""Names and answers come from users: whatever they hold is shown, and never more than that."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from evaluation.journal import Journal
from evaluation.report import write
from evaluation.results import Part, Results
from evaluation.samples import Control, Figure, Said, Sample, Task
from evaluation.tasks.captioning import NEUTRAL
from tests.evaluation.report.reading import Page

NASTY = '</td><script>alert("1")</script> & $x_1$ --><b> | `rm` ](x) {{ 7 * 7 }}\u2028'
METHOD = NASTY.replace("/", "")
"""A method's name is a folder's."""
FIGURE = Figure(
    METHOD, NASTY, Task.RECOGNITION, Control.NOTHING, 0, "single", "f1", 0.5, 0.4, 0.6, 10
)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Results and answers with names that would like to be more than that."""
    captions = [
        replace(FIGURE, task=Task.CAPTIONING, setting=setting, metric="recall")
        for setting in ("single", "two")
    ]
    pairs = {"pairs": [[NASTY, "mika", 2]]}
    shares = [
        replace(FIGURE, task=Task.LOOK_ALIKES, metric=metric, detail=pairs)
        for metric in ("accuracy", "both", "mistaken")
    ]
    model = {"stage": "generation", "name": NASTY, "fingerprint": NASTY}
    needs = ("captions", "description", "training", "real_time_edit", "text_only_qa")
    told = dict.fromkeys(needs, True) | {
        "positives_min": 1,
        "positives_max": 0,
        "negatives": 0,
        "models": [model],
        "left_out": {NASTY: NASTY},
        "told_concepts": True,
    }
    settings = {"memory_sizes": [], "memory": 2, "methods": [METHOD]}
    counts = {"concepts": 2, NASTY: 1}
    Results(
        (FIGURE, *captions, *shares),
        {METHOD: told},
        {NASTY: counts},
        (),
        settings,
        NASTY,
        (NASTY,),
        {NASTY: NASTY},
        True,
        1.0,
    ).write(tmp_path)
    photo = tmp_path / "1.png"
    Image.new("RGB", (40, 30)).save(photo)
    part = Part(NASTY, Task.CAPTIONING, Control.NOTHING, 0)
    sample = Sample(
        NASTY, Task.CAPTIONING, NASTY, "single", photo, (NASTY,), question=NEUTRAL, truth=[NASTY]
    )
    folder = tmp_path / "answers" / METHOD
    with Journal(folder, Part("x", *part[1:]), "", (0, 1), {photo: str(photo)}) as journal:
        journal.add(sample, Said(NASTY, [NASTY], f"A photo of <{NASTY}>."))
    return tmp_path


def test_what_users_wrote_is_text_everywhere(out: Path) -> None:
    page = Page(write(out))
    assert "script" not in page.tags
    assert "{{ 7 * 7 }}" in page.text
    assert [row[0] for row in page.tables["What tells most"][-1:]] == [METHOD]
    assert page.text.count("data:image/webp") == 1
    markdown = (out / "report.md").read_text(encoding="utf-8")
    assert "<script>" not in markdown.replace("\\<", "")
    for line in markdown.splitlines():
        if line.startswith("|"):  # a name with a bar adds no column
            assert line.replace("\\|", "").count("|") == previous_bars(markdown, line)


def previous_bars(markdown: str, line: str) -> int:
    """Bars of the head of the table that a line stands in."""
    lines = markdown.splitlines()
    at = lines.index(line)
    while lines[at - 1].startswith("|"):
        at -= 1
    return lines[at].replace("\\|", "").count("|")


def test_figures_with_such_names_are_pictures_and_nothing_else(out: Path) -> None:
    write(out)
    pictures = sorted(path.name for path in (out / "figures").iterdir())
    assert pictures == ["headline.svg", "look-alikes.svg", "numbers.svg"]
    for picture in pictures:
        tree = ElementTree.parse(out / "figures" / picture)
        assert not [
            one for one in tree.iter() if str(one.tag).endswith(("script", "foreignObject"))
        ]


def test_a_journal_of_a_method_without_results_is_left_out(out: Path) -> None:
    (out / "answers" / METHOD).rename(out / "answers" / "another")
    page = write(out).read_text(encoding="utf-8")
    assert "data:image/webp" not in page
    assert "There is no answer to show, or its photo can&#39;t be read any more." in page
