"""A run that was stopped has a report too, which says what it lacks."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation import results
from evaluation.plan import Settings
from evaluation.report import write
from evaluation.run import Progress, run
from evaluation.samples import Control, Task
from kith.cli import main
from kith.errors import InvalidInput, Refused, Unavailable
from tests.evaluation.report.reading import Page
from tests.evaluation.stripes import StripeSystem
from tests.evaluation.test_run import lines


@contextmanager
def gone() -> Iterator[StripeSystem]:
    """A system that can't be reached."""
    raise Unavailable("nobody is there", reason="RPC_UNAVAILABLE")
    yield


def refuses_captions(question: str) -> Refused | None:
    return Refused("not now", reason="BUSY") if "caption" in question else None


@pytest.fixture
def few(settings: Settings) -> Settings:
    """A run of three methods, of which the last is never reached."""
    return replace(
        settings,
        methods=("kith", "rap", "none"),
        tasks=(Task.CAPTIONING, Task.IDENTIFICATION),
        controls=(Control.NOTHING,),
        memory_sizes=(),
    )


@pytest.fixture
def stopped(few: Settings, tmp_path: Path) -> Path:
    systems = {
        "kith": StripeSystem("kith").opened,
        "rap": StripeSystem("rap", fails=refuses_captions).opened,
        "none": gone,
    }
    with pytest.raises(Unavailable):
        run(few, tmp_path / "out", systems, lambda _: None)
    return tmp_path / "out"


def test_a_run_that_is_stopped_has_results_of_the_methods_before(stopped: Path) -> None:
    found = results.read(stopped)
    assert not found.complete
    assert found.methods.keys() == {"kith", "rap"}
    assert found.methods["kith"]["unfinished"] == {}
    assert found.methods["rap"]["unfinished"] == {"world.captioning": [0, 26]}


def test_its_report_says_what_is_lacking_and_marks_it(stopped: Path) -> None:
    text = write(stopped).read_text(encoding="utf-8")
    assert "The run is not complete: not every question is answered." in text
    assert "rap: 26 questions of 1 part are not answered: world.captioning 0 of 26" in text
    assert "none: no figures yet" in text
    page = Page(stopped / "report.html")
    rows = page.tables["Who is in the photo, told by Retrieve"]
    assert [row[0] for row in rows[2:]] == ["kith", "rap, unfinished"]
    assert "Unfinished: rap, none." in text
    markdown = (stopped / "report.md").read_text(encoding="utf-8")
    assert "**The run is not complete: not every question is answered." in markdown
    assert "| rap, unfinished |" in markdown


def test_a_method_that_has_answered_nothing_changes_no_table_of_the_others(stopped: Path) -> None:
    shutil.rmtree(stopped / "answers" / "rap")
    rows = Page(write(stopped)).tables["What tells most"]
    assert [row[0] for row in rows[1:]] == ["memory of 5 concepts", "kith"]


def kill_at(answers: int) -> Callable[[Progress], None]:
    def tell(progress: Progress) -> None:
        if progress.done >= answers:  # calls under way end, so that it may go on beyond
            raise KeyboardInterrupt

    return tell


@pytest.fixture
def killed(few: Settings, tmp_path: Path) -> Callable[[int], Path]:
    """Kills a run in its first method, when so many questions are answered."""
    data = tmp_path / "data" / "world"
    shutil.copytree(few.datasets[0], data)
    asked = replace(few, datasets=(data,), memory_sizes=(4, 8))
    systems = {name: StripeSystem(name).opened for name in few.methods}

    def kill(answers: int) -> Path:
        with pytest.raises(KeyboardInterrupt):
            run(asked, tmp_path / "out", systems, kill_at(answers))
        return tmp_path / "out"

    return kill


def test_a_run_that_is_killed_in_its_first_method_has_a_report_of_its_answers(
    killed: Callable[[int], Path],
) -> None:
    for answers in (30, 32):
        out = killed(answers)
        assert main(["evaluate", "report", str(out)]) == 0
        page = Page(out / "report.html")
        (lacking,) = re.findall(r"kith: (\d+) questions of \d+ parts are not answered", page.text)
        assert int(lacking) == planned(out) - len(lines(out))
        assert "rap: no figures yet; none: no figures yet" in page.text
        rows = page.tables["Who is in the photo, told by Retrieve"]
        assert [row[0] for row in rows[2:]] == ["kith, unfinished"]
        assert not (out / "results.json").exists()  # they are the run's to write


def planned(out: Path) -> int:
    """Questions to each method."""
    told = json.loads((out / "plan.json").read_text(encoding="utf-8"))
    return sum(told["parts"].values())


@pytest.fixture
def second(killed: Callable[[int], Path]) -> Path:
    """A run that was killed in its second method."""
    out = killed(0)
    return killed(planned(out) + 40)


def test_one_that_is_killed_in_its_second_method_has_a_report_of_both(second: Path) -> None:
    assert results.read(second).methods.keys() == {"kith"}
    page = Page(write(second))
    assert f"rap: {2 * planned(second) - len(lines(second))} questions of " in page.text
    rows = page.tables["Who is in the photo, told by Retrieve"]
    assert [row[0] for row in rows[2:]] == ["kith", "rap, unfinished"]


def test_without_its_datasets_it_has_the_report_of_what_was_written_last(second: Path) -> None:
    shutil.rmtree(second.parent / "data")
    assert "rap: no figures yet; none: no figures yet" in write(second).read_text(encoding="utf-8")


def test_its_report_needs_the_datasets_as_they_were(killed: Callable[[int], Path]) -> None:
    out = killed(30)
    data = out.parent / "data" / "world"
    photo = next(data.glob("bo/*.png"))
    photo.write_bytes(next(data.glob("mika/*.png")).read_bytes())
    with pytest.raises(Refused, match=r"holds another run: datasets\.world"):
        write(out)
    shutil.rmtree(data)
    with pytest.raises(InvalidInput, match="world"):
        write(out)


def test_torn_and_lost_journals_are_no_reason_to_fail(out: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(out, torn)
    for journal in sorted((torn / "answers").glob("*/*.jsonl"))[::2]:
        content = journal.read_bytes()
        journal.write_bytes(content[: len(content) // 2])
    shutil.rmtree(torn / "answers" / "rap")
    assert "How it was run" in write(torn).read_text(encoding="utf-8")


def test_a_section_in_which_there_is_nothing_says_why(stopped: Path) -> None:
    text = write(stopped).read_text(encoding="utf-8")
    for why in (
        "No control was asked.",
        "No memory of another size was asked (--memory-sizes).",
        "No dataset called original, of other photos of the same concepts, was measured.",
        "Recognition without a language model was asked of no method that tells scores.",
        "Costs were not asked.",
    ):
        assert why in text
        assert why in (stopped / "report.md").read_text(encoding="utf-8").replace("\\", "")
