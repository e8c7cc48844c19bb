"""A server that dies in the middle of a job goes on with it when it is started again."""

import signal
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import pytest

from datagen.making import Order, accept, make
from kith.v1 import datagen_pb2, datagen_pb2_grpc
from tests.datagen.service.calling import order
from tests.datagen.small import tree
from tests.runtime.ended import ENDS, Process, end, serving

PROGRAM = """
import sys, time
from pathlib import Path
from datagen import identities, layout_files, playroom_engine
from kith.cli import main
layout_files.FOLDER = Path(sys.argv[1])
identities.VIEWS, identities.SIZE, playroom_engine.SIZE = 2, 96, 96
draw = playroom_engine.PlayroomEngine.draw
def slow(*arguments):
    time.sleep(0.03)
    return draw(*arguments)
playroom_engine.PlayroomEngine.draw = slow
sys.exit(main(["--json", "serve", "datagen", "--port", "0"]))
"""


def server(root: Path, layouts: Path) -> AbstractContextManager[Process]:
    """`kith serve datagen` with the small layout."""
    return serving(PROGRAM, layouts, KITH_DATAGEN_DIR=str(root))


@pytest.mark.parametrize("how", ENDS)
def test_ended_at_half_and_started_again_the_bytes_are_the_same_and_nothing_is_made_twice(
    how: signal.Signals, root: Path, tmp_path: Path
) -> None:
    layouts = tmp_path / "layouts"
    straight = accept(Order("playroom", "small", tmp_path / "straight"))
    list(make(straight))
    straight.dataset.finish(straight.plan, straight.layout)
    with server(root, layouts) as (process, address):
        with grpc.insecure_channel(address) as channel:
            datagen_pb2_grpc.DatagenStub(channel).MakeDataset(order())
        end(process, how, lambda: len(pictures(root)) >= 4)
    half = pictures(root)
    assert 4 <= len(half) < 11
    with server(root, layouts) as (_, address), grpc.insecure_channel(address) as channel:
        watch = datagen_pb2.WatchDatasetRequest(name="users/me/datasets/first")
        *_, last = datagen_pb2_grpc.DatagenStub(channel).WatchDataset(watch)
    assert (last.images_done, last.images_planned) == (11, 11)
    # The one in hand when it was killed may have been written, and not yet written down.
    assert len(half - pictures(root)) <= (how is signal.SIGKILL)
    (data,) = root.glob("users/*/datasets/first/data")
    assert tree(data) == tree(tmp_path / "straight")


def pictures(root: Path) -> set[tuple[str, int]]:
    """The pictures that are made, each with the number of its file on the disk."""
    found = root.glob("users/*/datasets/first/data/[tm]*/00*.jpg")
    return {(path.parent.name + path.name, path.stat().st_ino) for path in found}
