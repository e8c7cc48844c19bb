"""What can be chosen about `kith evaluate`: its options."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where answers, figures and the report go.")
]
Quick = Annotated[bool, typer.Option("--quick", help="A small part of everything, in ten minutes.")]
Whole = Annotated[
    bool,
    typer.Option(
        "--whole",
        help="All that the thesis asks: every photo of every concept. Takes much longer.",
    ),
]
Methods = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="What to measure, with commas between: kith, rap, none, yollava-s, yollava-m, "
        "mc-llava, myvlm. With --server the method is the server's.",
    ),
]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="DIR",
        help="A dataset; as often as you like. Left out, the offline bench is made in "
        "DIR/data: Playroom's MP-Bench, and original pictures of the same concepts.",
    ),
]
Outside = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Pictures of one thing each that is nobody's."),
]
OutsideMulti = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Pictures of several such things each."),
]
Distractors = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="A dataset whose concepts fill larger memories. Methods that train look for "
        "negatives in it, if KITH_NEGATIVES names no other folder.",
    ),
]
Tasks = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="What to ask, with commas between: recognition, retrieval, captioning, "
        "questions, identification, strangers, look-alikes, grounding, edits, cost; left out, "
        "all of them.",
    ),
]
Controls = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="What to withhold or spoil, with commas between: no-memory, blank-photo, "
        "shuffled-references, true-references; left out, all of them. The word nothing, by "
        "itself, asks none.",
    ),
]
MemorySizes = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBERS",
        help="Concepts in further memories, with commas between; left out, 10,100,1000 with "
        "the offline bench (8,40 if quick), else none. A method that trains is measured in "
        "the smallest alone.",
        show_default=False,
    ),
]
OpenAIURL = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Measure a system that is not ours, behind the OpenAI chat API, as in "
        "http://127.0.0.1:8123/v1: it is shown pictures of the concepts that a question is "
        "about. OPENAI_API_KEY is its key.",
    ),
]
OpenAIModel = Annotated[str | None, typer.Option(metavar="NAME", help="Which of its models.")]
Concurrency = Annotated[int, typer.Option(min=1, max=256, help="Questions that are asked at once.")]
Seed = Annotated[int, typer.Option(min=0, help="Where chance begins.")]
Shard = Annotated[
    str, typer.Option(metavar="I/N", help="The share of one of N workers, from 0/N on.")
]
