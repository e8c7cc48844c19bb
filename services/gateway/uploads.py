"""Photos uploaded ahead, so that a request can name one instead of carrying it: kept for minutes.

They lie in the gateway's memory only. A handle works for the credential that uploaded the photo,
and is unknown to any other.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final, NamedTuple

from kith.errors import NotFound, Overloaded
from services.gateway.caller import Caller
from services.runtime import images

_MIB: Final = 1024 * 1024


class Upload(NamedTuple):
    """A photo that was uploaded."""

    handle: str
    expires: datetime


class _Kept(NamedTuple):
    owner: Caller
    photo: bytes
    until_s: float
    """By the clock."""


class Uploads:
    """Keeps uploaded photos for a while. Safe on any thread.

    Args:
        ttl_s: How long each is kept, in seconds.
        mib_per_user: What is kept for one user, at most.
        mib: What is kept for all, at most.
        clock: Gives a time in seconds that never goes back.
    """

    def __init__(
        self,
        ttl_s: float,
        mib_per_user: int,
        mib: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl_s = ttl_s
        self._most_per_user = mib_per_user * _MIB
        self._most = mib * _MIB
        self._clock = clock
        self._lock = Lock()  # what is kept is what was counted
        self._kept: dict[str, _Kept] = {}

    async def keep(self, owner: Caller, photo: bytes) -> Upload:
        """Keeps a photo for its owner.

        Raises:
            InvalidInput: It is none, or one that the assistant would refuse.
            Overloaded: There is no room until others have run out.
        """
        await asyncio.to_thread(images.decode, photo, field="upload")
        with self._lock:
            self._require_room(owner, len(photo))
            handle = secrets.token_urlsafe(24)
            self._kept[handle] = _Kept(owner, photo, self._clock() + self._ttl_s)
        # Even where nobody asks any more.
        asyncio.get_running_loop().call_later(self._ttl_s, self._expire)
        return Upload(handle, datetime.now(UTC) + timedelta(seconds=self._ttl_s))

    def take(self, owner: Caller, handle: str) -> bytes:
        """The photo behind a handle; it can be taken again until it expires.

        Raises:
            NotFound: There is none, it has expired, or it is another's.
        """
        with self._lock:
            self._drop_expired()
            kept = self._kept.get(handle)
        if kept is None or kept.owner != owner:
            raise NotFound(
                f"upload: there is no {handle[:64]!r}, or no longer; upload the photo again",
                reason="UPLOAD_NOT_FOUND",
                field="upload",
            )
        return kept.photo

    def _expire(self) -> None:
        with self._lock:
            self._drop_expired()

    def _require_room(self, owner: Caller, size: int) -> None:
        self._drop_expired()
        kept = self._kept.values()
        own = sum(len(one.photo) for one in kept if one.owner.account == owner.account)
        if own + size > self._most_per_user:
            raise self._full(f"{own} bytes of yours are kept, at most {self._most_per_user} can be")
        if sum(len(one.photo) for one in kept) + size > self._most:
            raise self._full("no room is left for uploads")

    def _drop_expired(self) -> None:
        now = self._clock()
        # All are kept equally long, so those that expire first came first.
        while self._kept and self._kept[first := next(iter(self._kept))].until_s <= now:
            del self._kept[first]

    def _full(self, what: str) -> Overloaded:
        first = next(iter(self._kept.values()), None)
        wait_s = max(1.0, first.until_s - self._clock()) if first else 1.0
        return Overloaded(
            f"upload: {what}; send the photo with the request, or wait {wait_s:.0f} s",
            reason="UPLOADS_FULL",
            field="upload",
            retry_after_s=wait_s,
        )
