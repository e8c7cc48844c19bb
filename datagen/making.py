"""Making a dataset: each job is drawn until a picture is good enough, and none is made twice."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from datagen.dataset import Dataset
from datagen.engines import Engine, Judge, Source, judge_by_truth
from datagen.identities import identities
from datagen.layout import Layout
from datagen.layout_files import load
from datagen.plan import ATTEMPTS, Job, Plan, draw_up
from datagen.playroom_engine import PlayroomEngine
from datagen.records import Record
from datagen.seeds import Seed, read_seeds
from kith.errors import InvalidInput

EngineName = Literal["playroom", "msdiffusion"]


@dataclass(frozen=True)
class Order:
    """A dataset that somebody wants."""

    engine: EngineName
    split: str
    """A layout as `datagen.layout_files.load` takes it."""
    out: Path
    seeds: Path | None = None
    """A folder of seeds; None for Playroom's own."""
    models: Path | None = None
    """The folder of MS-Diffusion's models."""
    seed: int = 0
    limit: int | None = None
    batch: int | None = None
    """Pictures that MS-Diffusion draws at once; None for as many as the machine is good for."""
    compiled: bool = False
    """Whether MS-Diffusion's U-Net is compiled before it draws."""


@dataclass(frozen=True)
class Progress:
    """How far a worker is."""

    wanted: int
    """Pictures in its share."""
    done: int
    """Of these, kept or given up."""
    rejected: int
    """Pictures drawn and not kept, since it started."""


@dataclass(frozen=True)
class Commission:
    """An order with all that is needed to carry it out."""

    layout: Layout
    plan: Plan
    sources: tuple[Source, ...]
    engine: Engine
    dataset: Dataset
    left_out: tuple[Path, ...] = ()
    """What lies among the seeds and is clearly no photo."""


def accept(order: Order) -> Commission:
    """Read the seeds, load the engine and draw up the plan; nothing is written yet.

    Raises:
        InvalidInput: The order does not fit together, or the layout or the seeds do not.
        NotFound: There is no such layout.
        Refused: A model is missing or is not what it should be.
    """
    layout = load(order.split)
    sources, engine = _equip(order, layout)
    concepts = [source.concept for source in sources]
    plan = draw_up(layout, concepts, engine.settings, order.seed, order.limit)
    seeds = [source for source in sources if isinstance(source, Seed)]
    left_out = tuple(path for seed in seeds for path in seed.left_out)
    return Commission(layout, plan, sources, engine, Dataset(order.out), left_out)


def make(
    commission: Commission, index: int = 0, of: int = 1, judge: Judge = judge_by_truth
) -> Generator[Progress, None, None]:
    """Make a worker's share, or what is missing of it. It can be stopped anywhere.

    Args:
        commission: What is to be made.
        index: Which worker, from 0.
        of: How many there are.
        judge: Says which pictures are not good enough.

    Yields:
        At the start and after every picture, or batch of them.

    Raises:
        InvalidInput: There is no such share, or the folder holds something else.
        Refused: Somebody makes that share, divides the work otherwise, cleans or reviews, or it
            can't be written; what is made stays, and the same call goes on from there.
    """
    jobs = commission.plan.share(index, of)
    dataset = commission.dataset
    with dataset.begun(commission.plan, commission.sources, index, of):
        missing = {job for job in jobs if not dataset.is_done(job)}
        progress = Progress(len(jobs), len(jobs) - len(missing), 0)
        yield progress
        size = commission.engine.batch
        # By their places in the share: whoever goes on finds the same batches.
        for start in range(0, len(jobs), size):
            batch = [job for job in jobs[start : start + size] if job in missing]
            if batch:
                rejected = _draw(commission, batch, judge)
                progress = replace(
                    progress,
                    done=progress.done + len(batch),
                    rejected=progress.rejected + rejected,
                )
                yield progress


def missing(commission: Commission) -> int:
    """How many pictures of the plan are still to be made, by whichever worker."""
    return sum(not commission.dataset.is_done(job) for job in commission.plan.jobs)


def _draw(commission: Commission, batch: Sequence[Job], judge: Judge) -> int:
    """Draw jobs until each is kept or given up, and tell how many were rejected on the way."""
    dataset, engine = commission.dataset, commission.engine
    tried = {job: dataset.records.of(job.id).rejected for job in batch}
    rejected = 0
    while wanted := [(job, len(causes)) for job, causes in tried.items() if len(causes) < ATTEMPTS]:
        for (job, _), drawn in zip(wanted, engine.draw_all(wanted), strict=True):
            cause = judge(drawn)
            if cause is None:
                dataset.keep(job, tried.pop(job), str(engine.settings["name"]), drawn)
                continue
            tried[job] = (*tried[job], cause)
            dataset.records.keep(job.id, Record(tried[job]))
            rejected += 1
    return rejected


def _equip(order: Order, layout: Layout) -> tuple[tuple[Source, ...], Engine]:
    if order.engine == "playroom":
        for option in ("seeds", "models"):
            if getattr(order, option) is not None:
                raise _wrong(
                    option,
                    f"Playroom draws concepts of its own and needs no {getattr(order, option)}; "
                    "leave it out",
                )
        if order.batch is not None or order.compiled:
            option = "compile" if order.compiled else "batch"
            raise _wrong(option, "Playroom draws one picture at a time; leave it out")
        known = identities(layout, order.seed)
        return known, PlayroomEngine(known)
    if order.seeds is None:
        raise _wrong("seeds", "MS-Diffusion needs pictures of concepts; name a folder of seeds")
    if order.models is None:
        raise _wrong("models", "MS-Diffusion needs its models; name their folder")
    sources = read_seeds(order.seeds, layout)
    from datagen.msdiffusion.engine import MsDiffusionEngine  # torch takes seconds
    from datagen.msdiffusion.load import load_painter

    painter, style, models = load_painter(order.models)
    if order.compiled:
        painter.compile()
    batch = order.batch or painter.usual_batch
    return sources, MsDiffusionEngine(painter, style, models, sources, batch)


def _wrong(option: str, what: str) -> InvalidInput:
    return InvalidInput(f"{option}: {what}", reason="OPTION_CONFLICT", field=option)
