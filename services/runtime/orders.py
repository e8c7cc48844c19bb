"""Things that users order, and jobs then make: begun, gone on with, given back.

ROOT/users/ann-3f2a.../THINGS/THING/order.json    what was asked for
                                    ...           what came of it
"""

import dataclasses
import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from kith.errors import AlreadyExists, NotFound, Refused
from services.runtime.jobs import Job, write_json
from services.runtime.user_folder import UserFolder
from services.runtime.workshop import Workshop

_FILE: Final = "order.json"
_REQUESTS: Final = uuid.UUID("4c0e0b51-0a27-4f0e-9d5e-1d6a3c8f7b02")
"""The namespace in which a caller's request id becomes the id of a job."""

W = TypeVar("W")


@dataclass(frozen=True)
class Ordered(Generic[W]):
    """A thing that was ordered."""

    wish: W
    """What is wanted. Two that are equal are the same thing."""
    planned: int
    """Steps to it, such as pictures or questions."""
    created: float
    """Seconds since the epoch."""


O = TypeVar("O", bound=Ordered[Any])  # noqa: E741 - of "ordered"


@dataclass(frozen=True)
class Part:
    """Which worker's share is asked for."""

    index: int = 0
    of: int = 1


class Orders(Generic[O]):
    """The things of one kind that a user has ordered.

    Args:
        folder: The user's.
        kind: What one is called, as in "dataset"; the contract's field is then `dataset_id`.
        most: How many a user may have.
        read: Makes an order of what `dataclasses.asdict` has made of it.
    """

    def __init__(
        self, folder: UserFolder, kind: str, most: int, read: Callable[[dict[str, Any]], O]
    ) -> None:
        self._folder = folder
        self._kind = kind
        self._most = most
        self._read = read

    def path(self, thing_id: str) -> Path:
        """The folder of a thing and its order."""
        return self._folder.path / f"{self._kind}s" / thing_id

    def name(self, thing_id: str) -> str:
        """As in `users/{user}/datasets/{dataset}`."""
        return f"users/{self._folder.user}/{self._kind}s/{thing_id}"

    def ids(self) -> list[str]:
        """The ids of all, in order."""
        found = self._folder.path.glob(f"{self._kind}s/[!.]*/{_FILE}")
        return sorted(path.parent.name for path in found)

    def read(self, thing_id: str) -> O:
        """The order of a thing.

        Raises:
            NotFound: There is none of that id.
        """
        try:
            return self._read(json.loads((self.path(thing_id) / _FILE).read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise self._folder.missing(self.name(thing_id)) from error

    def known_request(self, request_id: str) -> Job | None:
        """The job that a request has made before, if it has."""
        try:
            return self._folder.job(_job_id(request_id)) if request_id else None
        except NotFound:
            return None

    def start(
        self, workshop: Workshop, thing_id: str, ordered: O, part: Part, request_id: str = ""
    ) -> Job:
        """Begin a thing, or go on with it.

        A part that is at work already is not begun again; one whose job is about to end, since it
        was cancelled, is gone on with after that.

        Raises:
            AlreadyExists: There is another thing of that id.
            Overloaded: Too many jobs wait.
            Refused: Other workers divide it differently, it can't be written, or the user has too
                many.
        """
        with self._folder.locked():
            if again := self.known_request(request_id):
                return again
            is_new = self._is_new(thing_id, ordered)
            if job := self._at_work(thing_id, part):
                return job
            job = Job(_job_id(request_id), self._folder.user, thing_id, part.index, part.of)
            try:
                if is_new:
                    write_json(self.path(thing_id) / _FILE, dataclasses.asdict(ordered))
                workshop.submit(job)
            except Exception:
                if is_new:
                    shutil.rmtree(self.path(thing_id), ignore_errors=True)
                raise
            return job

    def delete(self, thing_id: str) -> None:
        """Delete a thing for good.

        Raises:
            NotFound: There is none of that id.
            Refused: It is at work, or the user's lock can't be written.
        """
        with self._folder.locked():
            self.read(thing_id)
            if jobs := self._folder.open_jobs(thing_id):
                raise Refused(
                    f"name: operations/{jobs[0].id} works on this {self._kind}; cancel it first",
                    reason=f"{self._kind.upper()}_IN_USE",
                    field="name",
                )
            self._folder.discard(self.path(thing_id))

    def _is_new(self, thing_id: str, ordered: O) -> bool:
        field, kind = f"{self._kind}_id", self._kind.upper()
        try:
            known = self.read(thing_id)
        except NotFound:
            if len(self.ids()) < self._most:
                return True
            raise Refused(
                f"{field}: you have {self._most} {self._kind}s, and no more are kept for a user; "
                "delete one",
                reason=f"TOO_MANY_{kind}S",
                field=field,
            ) from None
        if known.wish != ordered.wish:
            raise AlreadyExists(
                f"{field}: {thing_id} is a {self._kind} with other settings; choose another id, or "
                "ask for what it is",
                reason=f"{kind}_DIFFERS",
                field=field,
            )
        return False

    def _at_work(self, thing_id: str, part: Part) -> Job | None:
        """The open job on a part, unless it is cancelled."""
        for job in self._folder.open_jobs(thing_id):
            if job.of != part.of:
                raise Refused(
                    f"shard: others share it out in {job.of} parts; take one of these, or cancel "
                    "them",
                    reason="SHARDS_DIFFER",
                    field="shard",
                )
            if job.index == part.index and not self._folder.mark_of(job).exists():
                return job
        return None


def _job_id(request_id: str) -> str:
    return str(uuid.uuid5(_REQUESTS, request_id.lower()) if request_id else uuid.uuid4())
