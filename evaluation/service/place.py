"""Where a user's reports lie, and what they are called.

    ROOT/datasets/DATASET                             the operator's; as the offline bench
    ROOT/datasets/outside, outside-multi, distractors what is beside all of them, not a dataset
    ROOT/memories/METHOD                              what the evaluator remembered under a token
    ROOT/users/ann-3f2a.../reports/REPORT/order.json  what was asked for
                           reports/REPORT/out/        plan, answers, figures, page
                           jobs/                      see services.runtime.jobs

A name that begins with a dot is being deleted, and left behind only by a crash.
"""

import shutil
import uuid
from pathlib import Path

from kith.errors import KithError, NotFound
from services.runtime.jobs import UserFolder

ORDER = "order.json"
OUTSIDE = "outside"
"""Folder of pictures of one thing each that is nobody's; see `evaluation.plan.Settings`."""
OUTSIDE_MULTI = "outside-multi"
"""The same, of several things each."""
DISTRACTORS = "distractors"
"""A dataset whose concepts fill larger memories."""
_FIELDS = {"data": "datasets", "out": "report_id"}
"""What the room calls an option, and the contract a field."""


class Place(UserFolder):
    """The reports and jobs of one user, beside the datasets that the service has.

    Args:
        root: Folder of everybody's.
        user: A user name as credentials hold it.
    """

    def __init__(self, root: Path, user: str) -> None:
        super().__init__(root, user)
        self._root = root

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

    def dataset(self, name: str) -> Path:
        """The folder of one of the service's datasets.

        Raises:
            NotFound: It has none of that name.
        """
        known = {path.name: path for path in datasets(self._root)}
        if name not in known:
            raise NotFound(
                f"datasets: there is none named {name[:80]!r}; "
                f"give one of {', '.join(known) or 'those that its operator has yet to add'}",
                reason="DATASET_UNKNOWN",
                field="datasets",
            )
        return known[name]

    def report(self, report_id: str) -> Path:
        """The folder of a report and its order."""
        return self.path / "reports" / report_id

    def out(self, report_id: str) -> Path:
        """The folder of its plan, answers and figures."""
        return self.report(report_id) / "out"

    def report_ids(self) -> list[str]:
        """The ids of all reports, in order."""
        return sorted(path.parent.name for path in self.path.glob(f"reports/[!.]*/{ORDER}"))

    def report_name(self, report_id: str) -> str:
        """`users/{user}/reports/{report}`."""
        return f"users/{self.user}/reports/{report_id}"

    def discard(self, folder: Path) -> None:
        """Delete a thing: nobody finds it any more, and then its files go."""
        doomed = folder.with_name(f".{uuid.uuid4().hex}")
        folder.rename(doomed)
        shutil.rmtree(doomed)

    def as_called(self, error: KithError) -> KithError:
        """The same error, of things as their user calls them: no path of the server's is told."""
        said = str(error).replace(str(self.path), f"users/{self.user}")
        said = said.replace(f"{self._root}/", "")
        for option, field in _FIELDS.items():
            said = field + said.removeprefix(option) if said.startswith(f"{option}: ") else said
        field_at_fault = _FIELDS.get(error.field or "", error.field)
        return type(error)(said, reason=error.reason, field=field_at_fault)


def datasets(root: Path) -> list[Path]:
    """The folders of the service's datasets, by name."""
    beside = {OUTSIDE, OUTSIDE_MULTI, DISTRACTORS}
    there = (root / "datasets").glob("[!.]*")
    return sorted(path for path in there if path.is_dir() and path.name not in beside)


def hidden(root: Path) -> list[bytes]:
    """Paths that nobody is to be told of, the longest first; folders may be linked."""
    folders = {folder.resolve().parent for folder in (root / "datasets").glob("[!.]*")} | {root}
    return sorted((f"{folder}/".encode() for folder in folders), key=len, reverse=True)


def sweep(root: Path) -> None:
    """Remove what a crash has left half deleted."""
    for left in root.glob("users/*/reports/.*"):
        shutil.rmtree(left, ignore_errors=True)
