"""A server that dies in the middle of a job goes on with it when it is started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from datagen.making import Order, accept, make
from kith.v1 import datagen_pb2, datagen_pb2_grpc
from tests.datagen.service.calling import order
from tests.datagen.small import tree

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


@contextmanager
def server(root: Path, layouts: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`kith serve datagen` with the small layout, once it is ready, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(layouts)],
        env=os.environ | {"KITH_DATAGEN_DIR": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout
        listening = json.loads(process.stdout.readline())["state"]
        assert json.loads(process.stdout.readline())["state"] == "ready"
        try:
            yield process, listening.removeprefix("listening on ")
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
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
        while len(made := pictures(root)) < 4:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(how)
        process.wait()
    half = pictures(root)
    assert made <= half
    assert len(half) < 11
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
