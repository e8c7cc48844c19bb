"""The world of stripes on disk."""

from pathlib import Path

import pytest

from evaluation.extent import Extent
from evaluation.plan import Settings
from evaluation.samples import Task
from evaluation.tasks.asking import Limits
from tests.evaluation.stripes import write_further, write_world

ALL = Extent(Limits(), Limits(), Limits(), few=4)
"""Everything is asked."""
BUT_COST = tuple(task for task in Task if task is not Task.COST)
"""Costs are seconds, and those are never the same twice."""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("stripes"))


@pytest.fixture(scope="session")
def settings(world: Path) -> Settings:
    """Of a run that asks everything of one method about the world."""
    return Settings(
        methods=("stripes",),
        datasets=(world,),
        outside=world.parent / "outside",
        outside_multi=world.parent / "outside-multi",
        distractors=write_further(world.parent),
        tasks=BUT_COST,
        memory_sizes=(4, 8),
        extent=ALL,
    )
