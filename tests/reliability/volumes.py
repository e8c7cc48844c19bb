"""Volumes that run full, run out of inodes, turn read-only, go away or have a limit, where rights
allow; and a process that may open no more files."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.reliability.painted import Painted

_SIZE: Final = "300M"
_MIB: Final = 1024 * 1024


class Impossible(Exception):  # noqa: N818 - it is no error
    """This machine, or this user of it, can't make that situation."""


class Situation(NamedTuple):
    """Something that keeps a process from writing."""

    name: str
    volume: Callable[[Path], AbstractContextManager[None]]
    """Puts a volume of its own at an empty folder."""
    trouble: Callable[[Painted], AbstractContextManager[None]]
    """Makes it so that nothing can be written; the end of the block mends it."""
    passes: bool = True
    """Whether it can be mended while the process runs; else the process starts again after it."""
    runner: Callable[[Path], Sequence[str]] = lambda _: ()
    """The command that runs the process, whose folder it is."""
    shows_photos: bool = True
    """Whether stored photos can be read meanwhile."""


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Impossible(f"`{' '.join(command[:3])} ...` is not possible here") from error
    return done.stdout.strip()


@contextmanager
def _tmpfs(folder: Path, options: str = "") -> Iterator[None]:
    _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}{options}", "tmpfs", str(folder))
    try:
        yield
    finally:
        _run("umount", str(folder))


@contextmanager
def _ext4(folder: Path) -> Iterator[None]:
    image = folder.with_suffix(".img")
    with image.open("wb") as file:
        file.truncate(300 * _MIB)
    _run("mkfs.ext4", "-q", "-m", "0", str(image))
    device = _run("losetup", "--find", "--show", str(image))
    try:
        _run("mount", "-o", "errors=remount-ro", device, str(folder))
        try:
            yield
        finally:
            if folder.is_mount():  # else its mending has failed, and is told of
                _run("umount", str(folder))
    finally:
        _run("losetup", "--detach", device)
        image.unlink()


def _nobody(folder: Path) -> Sequence[str]:
    """Runs it as one whom modes bind: root writes where it likes."""
    if os.getuid() != 0:
        return ()
    os.chown(folder, 65534, 65534)
    reading = "+dac_read_search"  # Python itself may lie where only root can go
    kept = [f"--{which}=-all,{reading}" for which in ("inh-caps", "ambient-caps", "bounding-set")]
    return ["setpriv", "--reuid=65534", "--clear-groups", *kept]


@contextmanager
def _plain(folder: Path) -> Iterator[None]:
    yield


@contextmanager
def _full(server: Painted) -> Iterator[None]:
    """To the last byte."""
    filler = server.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for step in (_MIB, 4096, 1):
            while True:
                try:
                    file.write(bytes(step))
                except OSError:
                    break
    yield
    filler.unlink()


@contextmanager
def _without_inodes(server: Painted) -> Iterator[None]:
    filler = server.folder / "filler"
    filler.mkdir()
    for number in range(100_000):
        try:
            (filler / str(number)).touch()
        except OSError:
            break
    yield
    shutil.rmtree(filler)


@contextmanager
def _limited(server: Painted) -> Iterator[None]:
    """By the size of a file; the kernel refuses as it does for a quota, at the same call."""
    pid = server.pid
    old = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_MIB // 2, old[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, old)


@contextmanager
def _locked_up(server: Painted) -> Iterator[None]:
    """Folders that may be read, and not written."""
    folders = [path for path in server.memory.rglob("*") if path.is_dir()]
    modes = [folder.stat().st_mode for folder in folders]
    for folder in folders:
        folder.chmod(0o500)
    yield
    for folder, mode in zip(folders, modes, strict=True):
        folder.chmod(mode)


@contextmanager
def _read_only(server: Painted) -> Iterator[None]:
    """As ext4 makes itself after an error of the disk, under whoever has files open.

    It can be mended once nobody has.
    """
    device = _run("findmnt", "-no", "SOURCE", str(server.folder))
    (Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error").write_text("test")
    try:
        (server.folder / "more").touch()
    except OSError:  # read-only
        pass
    else:
        raise Impossible("this kernel's ext4 goes on after an error")
    yield
    for mend in (
        ["umount", str(server.folder)],
        ["e2fsck", "-fy", device],
        ["mount", "-o", "errors=remount-ro", device, str(server.folder)],
    ):
        done = subprocess.run(mend, capture_output=True, check=False)
        assert done.returncode <= (mend[0] == "e2fsck"), done  # 1: errors, all of them corrected


@contextmanager
def _away(server: Painted) -> Iterator[None]:
    """Renamed, as if its volume were gone, with an empty mount point in its place."""
    away = server.folder / "away"
    server.memory.rename(away)
    server.memory.mkdir()
    yield
    server.memory.rmdir()
    away.rename(server.memory)


@contextmanager
def _without_files(server: Painted) -> Iterator[None]:
    """As many are open as may be."""
    pid = server.pid
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    opened = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (opened, old[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_NOFILE, old)


SITUATIONS: Final = (
    Situation("full disk", _tmpfs, _full),
    Situation("limit on files", _plain, _limited),
    Situation("read-only folders", _plain, _locked_up, runner=_nobody),
    Situation("folder away", _plain, _away, shows_photos=False),
    Situation("no open files left", _plain, _without_files, shows_photos=False),
    Situation("full disk, ext4", _ext4, _full),
    Situation("no inodes", lambda folder: _tmpfs(folder, ",nr_inodes=2000"), _without_inodes),
    Situation("volume read-only after an error", _ext4, _read_only, passes=False),
)
"""The first `QUICK` are quick to make."""

QUICK: Final = 5
