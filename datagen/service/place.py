"""Where a user's things lie, and what they are called.

    ROOT/layouts/LAYOUT.yaml                              the operator's own layouts
    ROOT/users/ann-3f2a.../lock
                           seed-sets/SEED_SET/concepts.yaml  bo/train/0001.jpg ...
                           datasets/DATASET/order.json       what was asked for
                           datasets/DATASET/data/            the dataset
                           jobs/JOB.json  JOB.lock  JOB.cancel

A name that begins with a dot is being made or deleted, and left behind only by a crash.
"""

import fcntl
import hashlib
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from datagen.layout import shipped
from kith.errors import KithError, NotFound

_ABANDONED_S: Final = 86400.0
_FIELDS: Final = {"seeds": "seed_set", "out": "dataset_id"}
"""What the room calls an option, and the contract a field."""


class Place:
    """The things of one user. It knows of no other's.

    Args:
        root: Folder of everybody's.
        user: A user name as credentials hold it.
    """

    def __init__(self, root: Path, user: str) -> None:
        self.user = user
        self._root = root
        # Two names may differ in case only, and some file systems see no difference.
        digest = hashlib.sha256(user.encode()).hexdigest()[:16]
        self._folder = root / "users" / f"{user.lower()}-{digest}"
        self.jobs = self._folder / "jobs"

    def require_own(self, name: str) -> None:
        """Check that `users/{user}`, or what is below it, is this user's.

        Raises:
            NotFound: It is another's, or there is no such user: nobody can tell which.
        """
        if name.split("/")[1] not in ("me", self.user):
            raise self.missing(name)

    def missing(self, name: str) -> NotFound:
        """What is said of a thing that is not there."""
        return NotFound(
            f"there is no {name[:200]} of yours; list yours to see which there are",
            reason="RESOURCE_NOT_FOUND",
        )

    def split(self, name: str) -> str:
        """A layout's name as `datagen.layout.load` takes it; the service's own are files.

        Raises:
            NotFound: The service has none of that name.
        """
        known = {path.stem: str(path) for path in layouts(self._root)}
        known |= {one: one for one in shipped()}
        if name not in known:
            raise NotFound(
                f"split: there is no layout {name!r}; give one of {', '.join(sorted(known))}",
                reason="LAYOUT_UNKNOWN",
                field="split",
            )
        return known[name]

    def dataset(self, dataset_id: str) -> Path:
        """The folder of a dataset and its order."""
        return self._folder / "datasets" / dataset_id

    def dataset_ids(self) -> list[str]:
        """The ids of all datasets, in order."""
        return sorted(path.parent.name for path in self._folder.glob("datasets/[!.]*/order.json"))

    def seed_set_ids(self) -> list[str]:
        """The ids of all seed sets, in order."""
        return sorted(path.name for path in self._folder.glob("seed-sets/[!.]*"))

    def seed_set(self, name: str) -> Path:
        """The folder of a seed set.

        Raises:
            NotFound: There is none of that name.
        """
        self.require_own(name)
        folder = self.seed_set_folder(name.split("/")[3])
        if not folder.is_dir():
            raise self.missing(name)
        return folder

    def seed_set_folder(self, seed_set_id: str) -> Path:
        """Where a seed set lies, or would."""
        return self._folder / "seed-sets" / seed_set_id

    def dataset_name(self, dataset_id: str) -> str:
        """`users/{user}/datasets/{dataset}`."""
        return f"users/{self.user}/datasets/{dataset_id}"

    def seed_set_name(self, seed_set_id: str) -> str:
        """`users/{user}/seedSets/{seed_set}`."""
        return f"users/{self.user}/seedSets/{seed_set_id}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep whoever else would start or delete something of this user's waiting, briefly."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def in_the_making(self, target: Path) -> Iterator[Path]:
        """A new folder that becomes `target` at the end of the block, or is gone."""
        part = target.with_name(f".{uuid.uuid4().hex}")
        part.mkdir(parents=True)
        try:
            yield part
            if not target.exists():
                part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def discard(self, folder: Path) -> None:
        """Delete a thing: nobody finds it any more, and then its files go."""
        doomed = folder.with_name(f".{uuid.uuid4().hex}")
        folder.rename(doomed)
        shutil.rmtree(doomed)

    def as_called(self, error: KithError, models: Path | None) -> KithError:
        """The same error, of things as their user calls them: no path of the server's is told.

        Args:
            error: Told by the room, which knows of paths.
            models: Folder of MS-Diffusion's models, if there are any.
        """
        said = str(error).replace(str(models or "\0"), "the service's models")
        for folder, collection in (("datasets", "datasets"), ("seed-sets", "seedSets")):
            said = said.replace(str(self._folder / folder), f"users/{self.user}/{collection}")
        said = said.replace(str(self._folder), f"users/{self.user}")
        for option, field in _FIELDS.items():
            said = field + said.removeprefix(option) if said.startswith(f"{option}: ") else said
        field_at_fault = _FIELDS.get(error.field or "", error.field)
        return type(error)(said, reason=error.reason, field=field_at_fault)


def layouts(root: Path) -> list[Path]:
    """The files of the operator's own layouts."""
    return sorted((root / "layouts").glob("[!.]*.yaml"))


def sweep(root: Path) -> None:
    """Remove what a crash has left half made or half deleted, and nobody has touched for a day."""
    for left in root.glob("users/*/*/.*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
