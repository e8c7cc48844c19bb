"""What a control withholds or spoils, and nothing else."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evaluation.controls import Asker, memory_under
from evaluation.manifest import Concept
from evaluation.samples import Control
from evaluation.systems.system import Memory
from kith.errors import InvalidInput
from kith.messages import Answer
from tests.evaluation.stripes import StripeSession, StripeSystem


class Noted(StripeSession):
    """Writes down the photo and the concepts of the last question."""

    photo: bytes | None = None
    concepts: Sequence[str] | None = None

    def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
        self.photo, self.concepts = photo, concepts
        return Answer("Yes")


@pytest.mark.parametrize(
    ("control", "told", "given"),
    [
        (Control.NOTHING, False, None),
        (Control.NOTHING, True, ["bo"]),
        (Control.NO_MEMORY, False, []),
        (Control.NO_MEMORY, True, []),
        (Control.BLANK_PHOTO, False, None),
        (Control.SHUFFLED_REFERENCES, False, None),
        (Control.TRUE_REFERENCES, False, ["bo"]),
    ],
)
def test_the_concepts_that_a_question_may_draw_on(
    control: Control, told: bool, given: list[str] | None, world: Path
) -> None:
    session = Noted(StripeSystem())
    photo = world / "bo" / "0.png"
    reply = Asker(session, Memory(()), control, told=told).ask("Who?", photo, ["bo"])
    assert session.concepts == given or list(session.concepts or ()) == given
    assert reply.bytes_sent == len(b"Who?") + len(session.photo or b"")
    assert (session.photo == photo.read_bytes()) is (control is not Control.BLANK_PHOTO)


def test_a_blank_photo_is_grey_and_as_large_as_the_upright_one(tmp_path: Path) -> None:
    photo = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (40, 20), "red").save(photo, exif=exif)
    session = Noted(StripeSystem())
    Asker(session, Memory(()), Control.BLANK_PHOTO, told=False).ask("Who?", photo, [])
    with Image.open(io.BytesIO(session.photo or b"")) as shown:
        assert shown.size == (20, 40)
        assert np.unique(np.asarray(shown)).tolist() == [128]


def test_shuffled_references_are_anothers_in_all_but_the_name() -> None:
    concepts = tuple(
        Concept(name, kind, (Path(f"{name}.png"),), f"<{name}> is a {kind}.", frozenset())
        for name, kind in (("bo", "dog"), ("lina", "cat"), ("tor", "cup"))
    )
    shuffled = memory_under(Control.SHUFFLED_REFERENCES, Memory(concepts), (), seed=0).concepts
    assert [one.name for one in shuffled] == ["bo", "lina", "tor"]
    by_view = {one.views: one for one in concepts}
    for one, own in zip(shuffled, concepts, strict=True):
        assert one.views != own.views
        assert one.category == by_view[one.views].category
        assert one.description == f"<{one.name}> is a {one.category}."
    for control in Control:
        if control is not Control.SHUFFLED_REFERENCES:
            assert memory_under(control, Memory(concepts), (), 0).concepts == concepts


def test_one_concept_alone_can_not_be_shuffled() -> None:
    alone = Memory((Concept("bo", "dog", (Path("bo.png"),)),))
    with pytest.raises(InvalidInput, match="shuffled-references needs two concepts"):
        memory_under(Control.SHUFFLED_REFERENCES, alone, (), 0)
