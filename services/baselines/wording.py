"""How a prompt tells a base model of several concepts, and what their names begin as.

The papers write a sentence a concept: `<sks> is <token1>...<token16>.` A model that was trained on
RAP's list of references, as the pocket LLaVA, has learned to bind pictures to names by the form of
that list: told in sentences, its answers depend on the photo and not on who is asked for
(docs/baselines.md has the figures). Such a model is told in its own form, with names in angle
brackets, and a name's row begins as that of a word that it knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from services.baselines.base_model import BaseModel
from services.baselines.tokens import Slot

Form = Literal["sentences", "list"]


@dataclass(frozen=True)
class Wording:
    """One way to tell of concepts.

    Args:
        form: "sentences" as published, or "list" as in RAP's prompt.
    """

    form: Form

    def told(self, slots: Sequence[Slot]) -> str:
        """What tells of the concepts in these slots, right before the question."""
        if self.form == "sentences":
            return "".join(slot.sentence for slot in slots) + " "
        lines = (
            f"{number}.{''.join(slot.soft)}\n Name: {self.name(slot)}, Info: \n"
            for number, slot in enumerate(slots, 1)
        )
        return f"[{''.join(lines)}]"

    def name(self, slot: Slot) -> str:
        """How a concept is written in a text."""
        return slot.name if self.form == "sentences" else f"<{slot.name}>"

    def named(self, text: str, slots: Sequence[Slot]) -> str:
        """A text with the concepts of these slots in it, written so."""
        for slot in slots:
            text = text.replace(slot.name, self.name(slot))
        return text


WORDINGS: Mapping[str, Wording] = MappingProxyType(
    {"sentences": Wording("sentences"), "list": Wording("list")}
)


def wording_for(base: BaseModel) -> Wording:
    """The one that the base model's profile names."""
    return WORDINGS[base.spec.concepts_told]


def word_rows(base: BaseModel, names: Sequence[str]) -> list[int]:
    """A known word for each name to begin as, by its id; no two names get the same.

    A piece of the name itself where there is a free one, else the first two letters that are.
    """
    letters = {
        token: number
        for token, number in sorted(base.tokenizer.get_vocab().items())
        if len(token) == 2 and token.isascii() and token.isalpha() and token.islower()
    }
    chosen: list[int] = []
    for name in names:
        pieces = base.tokenizer.tokenize(f"<{name}>")
        own = [letters[piece] for piece in pieces if piece in letters]
        free = (number for number in (*own, *letters.values()) if number not in chosen)
        chosen.append(next(free))
    return chosen
