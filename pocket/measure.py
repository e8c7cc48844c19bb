"""Measures the pocket models on test identities: ``python -m pocket.measure detector|clip|llava``.

Prints a table and writes it into the model's card between its ``figures`` marks.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pocket import detector, measure_clip
from pocket.bank import Bank, Plan, make
from pocket.train import RUNS, WEIGHTS, trained_clip
from services.runtime.profile import Profile

TEST = Plan("test", families=150, scenes=1000)
STAGED_TEST = Plan("test", families=150, scenes=1000, staged=1.0)


def test_bank() -> Bank:
    """The bank of test identities, drawn on first use."""
    return make(RUNS / "bank", TEST)


def measure_detector(_count: int) -> str:
    """Mean average precision, over all and by category, in pictures of two kinds."""
    plans = (replace(plan, pixels=detector.PIXELS) for plan in (TEST, STAGED_TEST))
    own, staged = map(_average_precisions, plans)
    lines = [
        f"| {name} | {' | '.join(own[name])} | {' | '.join(staged[name])} |"
        for name in own
        if name in staged
    ]
    head = ["category", "things", "mAP50", "mAP50-95", "staged: things", "mAP50", "mAP50-95"]
    return table(head, lines)


def _average_precisions(plan: Plan) -> dict[str, tuple[str, str, str]]:
    """By category: things, mAP50 and mAP50-95, as Ultralytics' own command counts them."""
    bank, data = make(RUNS / "bank", plan), RUNS / "detector" / plan.folder
    detector.write_dataset(bank, data, "val")
    detector.describe_dataset(data)
    command = [
        str(Path(sys.executable).with_name("yolo")), "detect", "val",
        f"model={WEIGHTS / 'detector' / 'detector.pt'}", f"data={data / 'data.yaml'}",
        f"imgsz={detector.PIXELS}", "plots=False", "device=cpu", f"project={data.resolve()}",
    ]  # fmt: skip
    told = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, "YOLO_OFFLINE": "1"}
    )
    text = re.sub(r"\x1b\[[0-9;]*m", "", told.stdout)
    rows = re.findall(
        r"^\s+([a-z ]+?)\s+\d+\s+(\d+)\s+\S+\s+\S+\s+(\S+)\s+(\S+)$", text, re.MULTILINE
    )
    return {name: (things, m50, m95) for name, things, m50, m95 in rows}


def measure_embedder(_count: int) -> str:
    """Identification, and strangers at the shipped distance."""
    bank = make(RUNS / "bank", replace(TEST, letterboxed=True))
    distance = Profile.load("pocket").embedder.stranger_distance
    found = measure_clip.measure(trained_clip(), bank)
    named, mistaken = found.at(distance)
    lines = [
        f"| identification among 40 | {found.identification:.3f} | {1 / measure_clip.MEMORY:.3f} |",
        f"| stranger AUROC | {found.auroc:.3f} | 0.500 |",
        f"| known queries named rightly at distance {distance:.2f} | {named:.3f} | |",
        f"| strangers given a name at that distance | {mistaken:.3f} | |",
    ]
    return table(["figure", "test identities", "chance"], lines)


def measure_generator(count: int) -> str:
    """Every task beside its controls."""
    from pocket import measure_llava  # transformers takes seconds to import

    rows = measure_llava.measure(WEIGHTS / "llava", test_bank(), count)
    lines = [
        f"| {row[0]} | {' | '.join('' if v is None else f'{v:.3f}' for v in row[1:])} |"
        for row in rows
    ]
    return table(
        ["task, right references given", "figure", "blank photo", "shuffled references"], lines
    )


def table(head: list[str], lines: list[str]) -> str:
    """A Markdown table."""
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines])


def write_card(card: Path, figures: str) -> None:
    """Replaces what stands between the card's ``figures`` marks."""
    text = card.read_text(encoding="utf-8")
    marks = re.compile(r"(<!-- figures -->\n).*(<!-- end -->)", re.DOTALL)
    card.write_text(marks.sub(lambda m: f"{m[1]}{figures}\n{m[2]}", text), encoding="utf-8")


MEASURES: dict[str, Callable[[int], str]] = {
    "detector": measure_detector, "clip": measure_embedder, "llava": measure_generator,
}  # fmt: skip


def main() -> None:
    """Reads the command line, measures, prints and writes the card."""
    parser = argparse.ArgumentParser(prog="python -m pocket.measure", description=__doc__)
    parser.add_argument("model", choices=MEASURES)
    parser.add_argument("--count", type=int, default=400, help="samples a task (llava)")
    chosen = parser.parse_args()
    figures = MEASURES[chosen.model](chosen.count)
    sys.stdout.write(figures + "\n")
    write_card(WEIGHTS / chosen.model / "MODEL_CARD.md", figures)


if __name__ == "__main__":
    main()
