"""MS-Diffusion draws a plan's pictures, from the reference of each concept."""

from collections.abc import Sequence

from datagen.engines import Drawn, Shown, Source
from datagen.msdiffusion.painter import Painter, Style
from datagen.msdiffusion.subjects import Prompt, Subject
from datagen.plan import Job, Settings


class MsDiffusionEngine:
    """Draws one picture at a time, so that a picture does not hang on what is drawn beside it.

    Args:
        painter: What draws.
        style: How.
        known: What tells the painter's models from others.
        sources: The concepts of every job.
    """

    def __init__(
        self, painter: Painter, style: Style, known: Settings, sources: Sequence[Source]
    ) -> None:
        self._painter = painter
        self._style = style
        self._known = known
        self._references = {source.concept.name: next(source.views()) for source in sources}

    @property
    def settings(self) -> Settings:
        """Its name, its models and the style: all that a picture hangs on but the job."""
        return {
            "name": "msdiffusion",
            **self._known,
            "size": self._style.width,
            "steps": self._style.steps,
            "guidance": self._style.guidance,
            "negative": self._style.negative_prompt,
        }

    def draw(self, job: Job, attempt: int) -> Drawn:
        """One attempt at a job. Where the subjects came out is not known."""
        subjects = tuple(
            Subject(self._references[one.concept], one.noun, one.box) for one in job.subjects
        )
        prompt = Prompt(job.prompt, subjects, job.seed_at(attempt))
        (image,) = self._painter.draw([prompt], self._style)
        nobody_knows = tuple(Shown(box=None, visible=None) for _ in subjects)
        return Drawn(image, nobody_knows, job.caption, ())
