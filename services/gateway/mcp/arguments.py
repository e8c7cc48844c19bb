"""What the tools are asked with."""

from typing import Annotated

from pydantic import Field, model_validator

from services.gateway.mcp.forms import Form
from services.gateway.mcp.photos import Photo, PlacedPhoto

ConceptName = Annotated[
    str,
    Field(min_length=1, description="What the user calls it, as in bo, or its resource name."),
]
Category = Annotated[
    str, Field(description="One common word for its kind, as in dog, mug or person.")
]
Photos = Annotated[list[PlacedPhoto], Field(max_length=16)]


class Remember(Form):
    """A new concept."""

    name: str = Field(
        min_length=1,
        description="What the user calls it, as in bo: up to 64 characters, not taken yet.",
    )
    images: Photos = Field(
        min_length=1, description="One to three photos of it are best; at most 16."
    )
    category: Category = ""
    description: str = Field(
        "",
        description="What to know of it, in a sentence or two that the photo does not tell, as in "
        "'<bo> is ten and afraid of thunder.' Left out, what is to be seen is described.",
    )


class List(Form):
    """A part of the memory."""

    category: Category = ""
    start: int = Field(0, ge=0, description="How many to skip: next_start of the part before.")


class Update(Form):
    """One kind of change to a concept."""

    concept: ConceptName
    name: str = Field("", description="What it shall be called from now on.")
    category: Category = ""
    description: str = Field("", description="What to know of it; takes the place of the old one.")
    images: Photos = Field([], description="Further photos of it.")
    not_in: PlacedPhoto | None = Field(
        None,
        description="A photo in which it was wrongly seen; with a box, the place. It is not taken "
        "for the concept again, nor is what looks like it.",
    )

    @property
    def words(self) -> dict[str, str]:
        """The new words; what is empty stays as it is."""
        given = {"name": self.name, "category": self.category, "description": self.description}
        return {field: word for field, word in given.items() if word}

    @model_validator(mode="after")
    def _is_one_change(self) -> "Update":
        # One that fails must not leave another done.
        changes = [bool(self.words), bool(self.images), self.not_in is not None]
        if sum(changes) != 1:
            raise ValueError(
                f"{'several kinds of' if any(changes) else 'no'} change given; call with one: "
                "words (name, category, description), or images, or not_in"
            )
        return self


class Forget(Form):
    """A concept to forget, or to bring back."""

    concept: ConceptName
    undo: bool = Field(False, description="True brings back a concept forgotten a while ago.")


class Find(Form):
    """A photo to look through."""

    image: Photo


class Ask(Form):
    """A question."""

    question: str = Field(
        min_length=1,
        description="In plain words; <bo> stands for the concept bo, in the photo or not.",
    )
    image: Photo | None = Field(None, description="The photo it is about; left out, none.")
