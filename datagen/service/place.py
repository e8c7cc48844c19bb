"""Where a user's things lie, and what they are called.

    ROOT/layouts/LAYOUT.yaml                              the operator's own layouts
    ROOT/users/ann-3f2a.../seed-sets/SEED_SET/concepts.yaml  bo/train/0001.jpg ...
                           datasets/DATASET/order.json       see services.runtime.orders
                           datasets/DATASET/data/            the dataset
                           jobs/                             see services.runtime.user_folder

A name that begins with a dot is being made or deleted, and left behind only by a crash.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from datagen.layout_files import shipped
from datagen.service.wishes import Ordered
from kith.errors import KithError, NotFound
from services.runtime.jobs import writing
from services.runtime.orders import Orders
from services.runtime.user_folder import UserFolder, retold

MAX_DATASETS: Final = 128
"""Of one user."""

_FIELDS: Final = {"seeds": "seed_set", "out": "dataset_id"}
"""What the room calls an option, and the contract a field."""


class Place(UserFolder):
    """The datasets, seed sets and jobs of one user.

    Args:
        root: Folder of everybody's.
        user: A user name as credentials hold it.
    """

    def __init__(self, root: Path, user: str) -> None:
        super().__init__(root, user)
        self.datasets = Orders(self, "dataset", MAX_DATASETS, Ordered.read)

    def data(self, dataset_id: str) -> Path:
        """The folder of a dataset itself."""
        return self.datasets.path(dataset_id) / "data"

    def split(self, name: str) -> str:
        """A layout's name as `datagen.layout_files.load` takes it; the service's own are files.

        Raises:
            NotFound: The service has none of that name.
        """
        known = {path.stem: str(path) for path in layouts(self.root)}
        known |= {one: one for one in shipped()}
        if name not in known:
            raise NotFound(
                f"split: there is no layout {name!r}; give one of {', '.join(sorted(known))}",
                reason="LAYOUT_UNKNOWN",
                field="split",
            )
        return known[name]

    def seed_set_ids(self) -> list[str]:
        """The ids of all seed sets, in order."""
        return sorted(path.name for path in self.path.glob("seed-sets/[!.]*"))

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
        return self.path / "seed-sets" / seed_set_id

    def seed_set_name(self, seed_set_id: str) -> str:
        """`users/{user}/seedSets/{seed_set}`."""
        return f"users/{self.user}/seedSets/{seed_set_id}"

    @contextmanager
    def in_the_making(self, target: Path) -> Iterator[Path]:
        """A new folder that becomes `target` at the end of the block, or is gone.

        Raises:
            Refused: It can't be written.
        """
        part = target.with_name(f".{uuid.uuid4().hex}")
        with writing(target.name):
            part.mkdir(parents=True)
        try:
            yield part
            if not target.exists():
                part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def as_called(self, error: KithError, models: Path | None) -> KithError:
        """The same error, of things as their user calls them.

        Args:
            error: Told by the room, which knows of paths.
            models: Folder of MS-Diffusion's models, if there are any.
        """
        names = {str(models): "the service's models"} if models else {}
        names[str(self.path / "seed-sets")] = f"users/{self.user}/seedSets"
        names[str(self.path)] = f"users/{self.user}"
        return retold(error, names, _FIELDS)


def layouts(root: Path) -> list[Path]:
    """The files of the operator's own layouts."""
    return sorted((root / "layouts").glob("[!.]*.yaml"))
