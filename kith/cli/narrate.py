"""The story of a demonstration as it is told on a terminal, a step at a time."""

from rich.console import Group, RenderableType
from rich.text import Text

from kith.cli.human import tag
from kith.demo.play import Answered, Loaded, Looked, Remembered, Step


def narrate(step: Step) -> RenderableType:
    """One step in a line or two."""
    match step:
        case Loaded():
            return Text.assemble("Loaded the models", (f"  {step.seconds:.1f} s", "dim"))
        case Remembered(problem=problem) if problem:
            name = tag(step.introduction.name)
            return Text.assemble(
                "Could not remember ", name, f": {problem} ", _mark(False, "wrong")
            )
        case Remembered():
            return Text.assemble(
                "Remembered ",
                tag(step.introduction.name),
                f", a {step.concept.category}, by one picture",
                (f"  {step.seconds:.1f} s", "dim"),
            )
        case Looked():
            return Group(
                Text.assemble(
                    (f"\n{step.scene.title}", "bold"), (f"  {step.seconds:.1f} s", "dim")
                ),
                *_namings(step),
            )
        case Answered():
            heading = [] if step.scene else [Text("\nFrom memory", "bold")]
            answer = step.problem or step.answer.text.strip()
            said = Text.assemble(f"  {step.question.text} ", (answer, "bold"), " ")
            said.append_text(_mark(step.right, f"wrong: {step.question.answer}"))
            return Group(*heading, said)


def _namings(look: Looked) -> list[Text]:
    if look.left_unnamed and not look.namings:
        return [Text.assemble("  nobody known is there ", _mark(True, ""))]
    problem = (
        [Text.assemble("  ", look.problem, " ", _mark(False, "wrong"))] if look.problem else []
    )
    return problem + [
        Text.assemble("  ", tag(one.name), " ", _mark(one.verdict == "right", one.verdict))
        for one in look.namings
    ]


def _mark(right: bool, otherwise: str) -> Text:
    return Text("✓ right", "green") if right else Text(f"✗ {otherwise}", "red")
