"""MS-Diffusion draws a plan's pictures, from the reference of each concept."""

from collections.abc import Sequence

from datagen.engines import Drawn, Shown, Source
from datagen.msdiffusion.painter import Painter, Style
from datagen.msdiffusion.subjects import Prompt, Subject
from datagen.plan import Job, Settings


class MsDiffusionEngine:
    """Draws several pictures at once, each from a seed of its own.

    What is drawn beside it changes a picture by rounding alone. A batch that is not full is filled
    up with pictures that are thrown away, so that all are of one size, and compiled for once.

    Args:
        painter: What draws.
        style: How.
        known: What tells the painter's models from others.
        sources: The concepts of every job.
        batch: Pictures at once, from 1.
    """

    def __init__(
        self,
        painter: Painter,
        style: Style,
        known: Settings,
        sources: Sequence[Source],
        batch: int = 1,
    ) -> None:
        self._painter = painter
        self._style = style
        self._known = known
        self._batch = batch
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

    @property
    def batch(self) -> int:
        """How many pictures it draws at once."""
        return self._batch

    def draw_all(self, wanted: Sequence[tuple[Job, int]]) -> list[Drawn]:
        """Jobs, each at its attempt. Where the subjects came out is not known."""
        prompts = [self._prompt(job, attempt) for job, attempt in wanted]
        prompts += prompts[-1:] * (self._batch - len(prompts))
        pictures = self._painter.draw(prompts, self._style)[: len(wanted)]
        return [
            Drawn(picture, (Shown(box=None, visible=None),) * len(job.subjects), job.caption, ())
            for (job, _), picture in zip(wanted, pictures, strict=True)
        ]

    def _prompt(self, job: Job, attempt: int) -> Prompt:
        subjects = tuple(
            Subject(self._references[one.concept], one.noun, one.box) for one in job.subjects
        )
        return Prompt(job.prompt, subjects, job.seed_at(attempt))
