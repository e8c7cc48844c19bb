"""How far an evaluation is, counted from its journals."""

from pathlib import Path

from evaluation.journal import Journal
from evaluation.results import Part
from evaluation.samples import Control, Said, Sample, Task
from evaluation.service.tally import Standing, Tally


def test_a_damaged_line_counts_for_nothing(tmp_path: Path) -> None:
    part = Part("made", Task.RECOGNITION, Control.NOTHING, 0)
    with Journal(tmp_path / "answers" / "kith", part, "print", (0, 1), {}) as journal:
        for said in (Said("a", True), Said("b", True), Said("c", error="away")):
            sample = Sample(said.sample, Task.RECOGNITION, "made", "single", None, ())
            journal.add(sample, said)
    (path,) = tmp_path.glob("answers/*/*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1][:30] + b"\n", b'{"said": 5}\n', *lines[2:]]))
    assert Tally(tmp_path).look() == Standing(done=1, failed=1)
