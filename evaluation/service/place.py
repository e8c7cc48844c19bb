"""Where a user's reports lie, and what they are called.

    ROOT/datasets/DATASET                             the operator's; as the offline bench
    ROOT/datasets/outside, outside-multi, distractors what is beside all of them, not a dataset
    ROOT/memories/METHOD                              what the evaluator remembered under a token
    ROOT/users/ann-3f2a.../reports/REPORT/order.json  see services.runtime.orders
                           reports/REPORT/out/        plan, answers, figures, page
                           jobs/                      see services.runtime.user_folder

A name that begins with a dot is being deleted, and left behind only by a crash.
"""

from pathlib import Path
from typing import Final

from evaluation.service.wishes import read_ordered
from kith.errors import KithError, NotFound
from services.runtime.orders import Orders
from services.runtime.user_folder import UserFolder, retold

MAX_REPORTS: Final = 128
"""Of one user."""

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
        self.reports = Orders(self, "report", MAX_REPORTS, read_ordered)

    def dataset(self, name: str) -> Path:
        """The folder of one of the service's datasets.

        Raises:
            NotFound: It has none of that name.
        """
        known = {path.name: path for path in datasets(self.root)}
        if name not in known:
            raise NotFound(
                f"datasets: there is none named {name[:80]!r}; "
                f"give one of {', '.join(known) or 'those that its operator has yet to add'}",
                reason="DATASET_UNKNOWN",
                field="datasets",
            )
        return known[name]

    def out(self, report_id: str) -> Path:
        """The folder of its plan, answers and figures."""
        return self.reports.path(report_id) / "out"

    def as_called(self, error: KithError) -> KithError:
        """The same error, of things as their user calls them."""
        names = {str(self.path): f"users/{self.user}", f"{self.root}/": ""}
        return retold(error, names, _FIELDS)


def datasets(root: Path) -> list[Path]:
    """The folders of the service's datasets, by name."""
    beside = {OUTSIDE, OUTSIDE_MULTI, DISTRACTORS}
    there = (root / "datasets").glob("[!.]*")
    return sorted(path for path in there if path.is_dir() and path.name not in beside)


def hidden(root: Path) -> list[bytes]:
    """Paths that nobody is to be told of, the longest first; folders may be linked."""
    folders = {folder.resolve().parent for folder in (root / "datasets").glob("[!.]*")} | {root}
    return sorted((f"{folder}/".encode() for folder in folders), key=len, reverse=True)
