"""The embedded index: its folder, its lock, and that what is purged is found in no file."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from kith.errors import AlreadyExists, Refused
from memory_db import UNDO_WINDOW_S, Concept, ConceptStore, MemoryPlace
from memory_db.edge import EdgeIndex
from memory_db.empty_shard import write_empty_shard
from memory_db.photos import PhotoStore, content_hash
from tests.disk import no_file_above
from tests.memory_db.conftest import Clock
from tests.memory_db.making import DIM, image, vector, view


def open_store(
    folder: Path | MemoryPlace, user: str = "me", model: str = "clip", dim: int = DIM
) -> ConceptStore:
    return ConceptStore.open(folder, user=user, model=model, dim=dim)


def memory_folder(folder: Path) -> Path:
    (about,) = folder.glob("users/*/*/memory.json")
    return about.parent


def test_a_memory_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        bo = store.remember("bo", "dog", "", [view("1"), view("2", negative=True)])
        store.search(vector("1")[None], 1)
    for _ in range(2):
        with open_store(tmp_path) as store:
            assert store.get(bo.id) == bo
            assert len(store.search(vector("1")[None], 5)[0]) == 2


def test_a_place_that_can_hold_no_memory_is_refused_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    for place in (file, file / "below"):
        with pytest.raises(Refused, match=str(file)) as refused:
            open_store(place)
        assert (refused.value.reason, refused.value.field) == ("MEMORY_UNUSABLE", "memory")


def test_a_memory_that_can_not_be_written_is_refused_by_name_and_goes_on_when_it_can(
    tmp_path: Path,
) -> None:
    kept = []
    with open_store(tmp_path) as store:
        bo = store.remember("bo", "dog", "", [view("bo")])
        with no_file_above(512 * 1024):
            for edit in (
                lambda: store.update(bo.id, name="rex"),
                lambda: store.add_views(bo.id, [view("2")]),
                lambda: store.forget(bo.id),
                lambda: open_store(tmp_path, "another"),
            ):
                with pytest.raises(Refused, match="make room") as refused:
                    edit()
                assert refused.value.reason in ("MEMORY_UNWRITABLE", "PHOTOS_UNWRITABLE")
                kept.append(refused)
            assert store.get(bo.id) == bo
            assert len(store.search(vector("bo")[None], 5)[0]) == 1
        assert store.update(bo.id, name="rex").name == "rex"
        assert sum(store.repair()) == 0
    open_store(tmp_path, "another").close()


def test_a_memory_that_the_engine_can_not_open_is_refused_by_name(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        bo = store.remember("bo", "dog", "", [view("bo")])
    folder = memory_folder(tmp_path)
    (folder / "shard-000001").rename(tmp_path / "away")
    with pytest.raises(Refused, match=str(folder)) as refused:
        open_store(tmp_path)
    assert refused.value.reason == "MEMORY_UNUSABLE"
    (tmp_path / "away").rename(folder / "shard-000001")
    with open_store(tmp_path) as store:
        assert store.get(bo.id) == bo


def test_where_memories_were_none_is_made_while_their_volume_is_away(tmp_path: Path) -> None:
    place = MemoryPlace(tmp_path / "memory")
    open_store(place).close()
    (tmp_path / "memory").rename(tmp_path / "away")
    for _ in ("gone", "an empty mount point"):
        with pytest.raises(Refused, match="bring back") as refused:
            open_store(place, "another")
        assert refused.value.reason == "MEMORY_UNUSABLE"
        (tmp_path / "memory").mkdir(exist_ok=True)
    (tmp_path / "memory").rmdir()
    (tmp_path / "away").rename(tmp_path / "memory")
    open_store(place, "another").close()


def test_a_lock_that_could_not_be_written_is_not_held(tmp_path: Path) -> None:
    with no_file_above(0), pytest.raises(Refused) as kept:
        open_store(tmp_path)
    assert kept.value.reason == "MEMORY_UNUSABLE"
    open_store(tmp_path).close()


def test_an_acknowledged_edit_is_in_the_log_files_that_are_synced(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.remember("Xanthippe", "", "", [view("bo")])
        log = memory_folder(tmp_path) / "shard-000001" / "wal"
        assert traces(log, b"Xanthippe")


def test_edits_go_on_over_the_engines_flushes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory_db.edge._FLUSH_EVERY", 3)
    for start in (0, 4):
        with open_store(tmp_path) as store:
            for number in range(start, start + 4):
                store.remember(f"n{number}", "", "", [view(f"n{number}")])
            assert len(store.list().concepts) == start + 4


def test_an_edit_is_kept_when_the_engine_rolls_its_log_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanished(path: Path) -> None:
        raise FileNotFoundError(path)

    with open_store(tmp_path) as store:
        with monkeypatch.context() as patch:
            patch.setattr("memory_db.edge.sync", vanished)
            store.remember("bo", "", "", [view("bo")])
        store.remember("mug", "", "", [view("mug")])
    with open_store(tmp_path) as store:
        assert [concept.name for concept in store.list().concepts] == ["bo", "mug"]


def test_an_edit_that_may_not_outlast_a_power_cut_is_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> None:
        raise OSError(errno.EIO, "the disk is broken")

    with open_store(tmp_path) as store:
        bo = store.remember("bo", "dog", "", [view("bo")])
        with monkeypatch.context() as patch:
            patch.setattr("memory_db.edge.sync", broken)
            with pytest.raises(Refused, match=r"can't be told .*broken.*; look") as refused:
                store.remember("mug", "cup", "", [view("mug")])
            assert refused.value.reason == "MEMORY_EDIT_UNCERTAIN"
            store.update(bo.id, name="rex")  # by the engine's flush, and not by the log
            with pytest.raises(Refused, match="can't be told"):
                store.forget(bo.id)
        assert [concept.name for concept in store.list().concepts] == ["mug"]
        assert sum(store.repair()) == 0
        assert store.undo_forget(bo.id).name == "rex"


def test_the_engine_makes_one_shard_and_further_memories_are_copies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made_again(*_: object) -> None:
        raise AssertionError("the engine makes a second one")

    open_store(tmp_path, "first").close()
    monkeypatch.setattr("memory_db.empty_shard._make", made_again)
    with open_store(tmp_path, "second") as store:
        bo = store.remember("bo", "dog", "", [view("bo")])
    with open_store(tmp_path, "second") as store:
        assert store.find("bo") == bo
        assert len(store.search(vector("bo")[None], 5)[0]) == 1
    with open_store(tmp_path, "third") as store:
        assert store.list().concepts == ()


@pytest.mark.parametrize(("temporary", "unmade"), [("/var/tmp", DIM + 2), ("/dev/shm", DIM + 3)])
def test_an_empty_shard_takes_little_room_wherever_it_was_made(
    temporary: str, unmade: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", temporary)
    write_empty_shard(tmp_path / "shard", unmade)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) > 100 * 2**20
    assert sum(file.stat().st_blocks * 512 for file in files) < 2**20


def test_a_process_that_is_killed_while_it_copies_leaves_no_half_memory(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from memory_db import ConceptStore, empty_shard\n"
        f"files = empty_shard._files({DIM})\n"
        "def half(dim):\n"
        "    yield from files[:30]\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "empty_shard._files = half\n"
        f"ConceptStore.open(Path(sys.argv[1]), user='me', model='clip', dim={DIM})"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (half,) = tmp_path.glob("users/*/*/shard-*")
    assert len([file for file in half.rglob("*") if file.is_file()]) == 30
    with open_store(tmp_path) as store:
        bo = store.remember("bo", "dog", "", [view("bo")])
    with open_store(tmp_path) as store:
        assert store.list().concepts == (bo,)


def test_where_there_is_no_room_for_temporary_files_it_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(tmp_path / "none"))
        with pytest.raises(Refused, match="TMPDIR") as refused:
            open_store(tmp_path, dim=DIM + 1)
        assert refused.value.reason == "TEMPORARY_FILE_UNWRITABLE"
    open_store(tmp_path, dim=DIM + 1).close()


def test_users_and_models_lie_in_folders_of_their_own(tmp_path: Path) -> None:
    with (
        open_store(tmp_path, "me", "clip") as mine,
        open_store(tmp_path, "../me", "clip") as yours,
        open_store(tmp_path, "me", "other/clip", 8) as other,
    ):
        mine.remember("bo", "dog", "", [view("bo")])
        assert yours.list().concepts == other.list().concepts == ()
    assert len(list(tmp_path.glob("users/*/*/memory.json"))) == 3
    assert [child.name for child in tmp_path.iterdir()] == ["users"]


def test_photos_can_be_kept_elsewhere(tmp_path: Path) -> None:
    place = MemoryPlace(tmp_path / "memory", photos_url=str(tmp_path / "photos"))
    with ConceptStore.open(place, user="me", model="clip", dim=DIM) as store:
        bo = store.remember("bo", "dog", "", [view("bo")])
        assert store.photo(bo.views[0].blob) == image("bo")
    assert [f.name for f in (tmp_path / "photos").rglob("*") if f.is_file()] == [bo.views[0].blob]


def test_a_second_opener_is_told_the_folder_and_the_process(tmp_path: Path) -> None:
    with open_store(tmp_path), pytest.raises(Refused) as caught:
        open_store(tmp_path)
    assert caught.value.reason == "MEMORY_LOCKED"
    assert str(os.getpid()) in str(caught.value)
    assert str(memory_folder(tmp_path)) in str(caught.value)
    open_store(tmp_path).close()


def test_a_second_process_is_kept_out_until_the_first_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from memory_db import ConceptStore\n"
        f"store = ConceptStore.open(Path(sys.argv[1]), user='me', model='clip', dim={DIM})\n"
        "print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        with pytest.raises(Refused, match=str(holder.pid)):
            open_store(tmp_path)
        holder.kill()
        holder.wait()
        open_store(tmp_path).close()


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    EdgeIndex(tmp_path, model="clip", dim=DIM).close()
    for model, dim in (("clip", DIM + 1), ("other", DIM)):
        with pytest.raises(Refused, match="holds vectors of clip"):
            EdgeIndex(tmp_path, model=model, dim=dim)
    EdgeIndex(tmp_path, model="clip", dim=DIM).close()


def test_what_a_killed_process_left_half_made_is_swept_up(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.remember("bo", "dog", "", [view("bo")])
    folder = memory_folder(tmp_path)
    shutil.copytree(folder / "shard-000001", folder / "shard-000002")
    (folder / "photos" / "xyz.part").write_bytes(b"half a pho")
    with open_store(tmp_path) as store:
        assert store.find("bo") is not None
        assert store.repair().photos_collected == 1
    assert {child.name for child in folder.iterdir()} == {
        "LOCK",
        "memory.json",
        "photos",
        "shard-000001",
    }
    assert len(list((folder / "photos").iterdir())) == 1
    (folder / "memory.json").unlink()  # killed before the first shard was whole
    with open_store(tmp_path) as store:
        assert store.list().concepts == ()


def test_threads_that_race_for_one_name_leave_one_winner(tmp_path: Path) -> None:
    won: list[Concept] = []
    lost: list[AlreadyExists] = []
    with open_store(tmp_path) as store:

        def race(number: int) -> None:
            try:
                won.append(store.remember("bo", "dog", "", [view(f"bo {number}")]))
            except AlreadyExists as error:
                lost.append(error)
            store.search(vector("bo")[None], 3)

        threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(won), len(lost)) == (1, 7)
        assert len(store.list().concepts) == 1


def test_readers_go_on_while_the_memory_is_purged(tmp_path: Path, clock: Clock) -> None:
    index = EdgeIndex(tmp_path, model="clip", dim=DIM)
    with ConceptStore(index, PhotoStore(str(tmp_path / "photos")), now=clock) as store:
        store.remember("bo", "dog", "", [view("bo")])
        failures: list[object] = []
        stop = threading.Event()

        def read() -> None:
            while not stop.is_set():
                if not store.search(vector("bo")[None], 1)[0]:
                    failures.append("bo was gone")

        reader = threading.Thread(target=read)
        reader.start()
        for number in range(5):
            store.forget(store.remember(f"n{number}", "", "", [view(f"n{number}")]).id)
            clock.skip(UNDO_WINDOW_S)
            store.purge_expired()
        stop.set()
        reader.join()
        assert failures == []


def opened(folder: Path, clock: Clock) -> ConceptStore:
    """A memory in `folder`, at the clock's time."""
    index = EdgeIndex(folder, model="clip", dim=DIM)
    return ConceptStore(index, PhotoStore(str(folder / "photos")), now=clock)


def test_edits_after_a_purge_that_found_the_disk_full_are_kept(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    with opened(tmp_path, clock) as store:
        store.forget(store.remember("bo", "dog", "", [view("bo")]).id)
        clock.skip(UNDO_WINDOW_S)
        with monkeypatch.context() as patch:
            patch.setattr("memory_db.edge.replace_whole", full)
            with pytest.raises(Refused, match="no space"):
                store.purge_expired()
        store.remember("mug", "cup", "", [view("mug")])
    with opened(tmp_path, clock) as store:
        assert [concept.name for concept in store.list().concepts] == ["mug"]
        with monkeypatch.context() as patch:
            patch.setattr("memory_db.edge.replace_whole", full)
            with pytest.raises(Refused, match="no space"):
                store.purge_expired()
        store.purge_expired()
        assert [concept.name for concept in store.list().concepts] == ["mug"]
        assert not traces(tmp_path, image("bo"))


def test_edits_after_a_purge_whose_last_sync_failed_are_kept(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), tmp_path.stat()):
            raise OSError(errno.EIO, "the folder can't be synced")

    with opened(tmp_path, clock) as store:
        store.forget(store.remember("bo", "dog", "", [view("bo")]).id)
        clock.skip(UNDO_WINDOW_S)
        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", broken)
            with pytest.raises(Refused, match="can't be synced"):
                store.purge_expired()
            with pytest.raises(Refused, match="nothing can be written"):
                store.remember("cap", "hat", "", [view("cap")])
            with pytest.raises(Refused, match="can't be synced"):
                store.purge_expired()
        store.remember("mug", "cup", "", [view("mug")])
        assert store.awaits_purge
        store.purge_expired()
        assert [shard.name for shard in tmp_path.glob("shard-*")] == ["shard-000002"]
    with opened(tmp_path, clock) as store:
        assert [concept.name for concept in store.list().concepts] == ["mug"]


def traces(folder: Path, *needles: bytes) -> list[str]:
    """Files that hold any of these bytes, or are named so."""
    return [
        str(file)
        for file in folder.rglob("*")
        if file.is_file()
        for content in [file.name.encode() + b"\0" + file.read_bytes()]
        if any(needle in content for needle in needles)
    ]


def test_a_purged_concept_is_found_in_no_file(tmp_path: Path, clock: Clock) -> None:
    index = EdgeIndex(tmp_path, model="clip", dim=DIM)
    with ConceptStore(index, PhotoStore(str(tmp_path / "photos")), now=clock) as store:
        for number in range(20):
            store.remember(f"kept{number}", "cup", "", [view(f"kept{number}")])
        secret = store.remember("Xanthippe", "zebra", "her first words", [view("x1"), view("x2")])
        store.update(secret.id, description="her later words")
        store.reject(secret.id, view("x3"))
        store.remove_views(secret.id, [secret.views[1].id])
        store.forget(secret.id)
        words = [b"Xanthippe", b"zebra", b"her first words", b"her later words", secret.id.encode()]
        hashes = [content_hash(image(name)).encode() for name in ("x1", "x2", "x3")]
        vectors = [vector(name).tobytes() for name in ("x1", "x2", "x3")]
        pictures = [image(name) for name in ("x1", "x2", "x3")]
        for needle in (*words, *hashes, *vectors, *pictures):
            assert traces(tmp_path, needle), f"the proof does not look where {needle!r} was"
        clock.skip(UNDO_WINDOW_S)
        store.purge_expired()
        assert traces(tmp_path, *words, *hashes, *vectors, *pictures) == []
        assert len(store.list().concepts) == 20
    with closing(EdgeIndex(tmp_path, model="clip", dim=DIM)) as index_again:
        assert index_again.count({"kind": ["view"]}) == 20
    assert traces(tmp_path, *words, *hashes, *vectors, *pictures) == []


def test_the_memory_loads_neither_a_model_library_nor_grpc(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from memory_db import ConceptStore\n"
        f"ConceptStore.open(Path(sys.argv[1]), user='me', model='clip', dim={DIM}).close()\n"
        "heavy = {'torch', 'grpc', 'qdrant_client', 'PIL', 'pydantic'}\n"
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
