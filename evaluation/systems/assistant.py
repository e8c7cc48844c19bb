"""What speaks `kith.v1.Assistant`: in this process by its method's name, or behind an address.

Without tokens each memory is a user of its own, named after what is in it, so that runs, sizes and
shuffled references never mix, and what is remembered once is found again. A token names one user,
whose memory is emptied and filled in turns, and emptied at the end; what somebody else remembered
there is never touched.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from evaluation.manifest import Concept
from evaluation.systems.ours import Ours
from evaluation.systems.patience import patiently
from evaluation.systems.pictures import whole
from evaluation.systems.system import Memory, Remembering
from kith import messages
from kith.client import Client
from kith.errors import InvalidInput, Refused
from kith.local import LocalOptions, reach
from kith.photos import photo_bytes

_AT_ONCE: Final = 64
"""Concepts that one Recognize takes."""
_VIEW: Final = re.compile(r"views\[([0-9]+)\]\.photo")
"""How an error about a view begins."""


@dataclass(frozen=True)
class Remote:
    """Where an assistant listens, and what it asks of its callers."""

    server: str
    """HOST:PORT."""
    token: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def client(self, user: str | None) -> Client:
        """A client for a user, who is the token's if there is one."""
        return Client(
            self.server,
            user=user if self.token is None else None,
            token=self.token,
            tls_ca=self.tls_ca,
            tls_cert=self.tls_cert,
            tls_key=self.tls_key,
        )


@contextmanager
def in_process(
    method: str, memory: Path, *, profile: str | None = None, weights: Path | None = None
) -> Iterator["Assistant"]:
    """An assistant in this process, for as long as the block.

    Args:
        method: kith, rap, none or one that trains.
        memory: Folder of its memories.
        profile: Which models; None for the pocket ones.
        weights: Their folder.

    Raises:
        InvalidInput: There is no such method or profile.
        Refused: A package or a model is missing.
    """
    with reach(None, None, LocalOptions(memory, method, profile, weights)) as address:
        yield Assistant(Remote(address), memory)


@contextmanager
def behind(remote: Remote, memory: Path) -> Iterator["Assistant"]:
    """An assistant that listens elsewhere, for as long as the block.

    Args:
        remote: Where.
        memory: Folder for what has to be known of its memories.
    """
    assistant = Assistant(remote, memory)
    try:
        yield assistant
    finally:
        assistant.leave()


class Assistant:
    """See `System`."""

    def __init__(self, remote: Remote, memory: Path) -> None:
        self._remote = remote
        self._ours = memory / "remembered.json"
        self._is_filled = False
        with remote.client(None) as client:
            self.capabilities: messages.Capabilities = client.capabilities()

    @property
    def name(self) -> str:
        """As the assistant calls its method."""
        return self.capabilities.method

    @property
    def told(self) -> bool:
        """Those that train are."""
        return self.capabilities.training

    @contextmanager
    def session(self, memory: Memory, remembering: Remembering) -> Iterator["AssistantSession"]:
        """See `System.session`."""
        with self._remote.client(f"eval-{memory.fingerprint[:32]}") as client:
            session = AssistantSession(client, self.capabilities)
            there = client.list_concepts()
            if self._remote.token is None:
                wanted = {concept.name for concept in memory.concepts}
                kept = {one.display_name for one in there} & wanted
                session.hold(memory, there, kept, remembering)
            else:
                ours, key = Ours(self._ours), memory.fingerprint
                ours.claim(there, [concept.name for concept in memory.concepts])
                self._is_filled = True
                kept = {one.display_name for one in there if ours.has(one, key)}
                session.hold(memory, there, kept, remembering, lambda made: ours.note(made, key))
            yield session

    def leave(self) -> None:
        """Forget what was remembered for a token's user since this was made."""
        if self._is_filled:
            ours = Ours(self._ours)
            with self._remote.client(None) as client:
                for one in ours.among(client.list_concepts()):
                    client.forget(one.name)
            ours.renounce()


class AssistantSession:
    """See `Session`."""

    def __init__(self, client: Client, capabilities: messages.Capabilities) -> None:
        self._client = client
        self._can = capabilities

    def hold(
        self,
        memory: Memory,
        there: Sequence[messages.Concept],
        kept: Collection[str],
        remembering: Remembering,
        note: Callable[[messages.Concept], None] = lambda made: None,
    ) -> None:
        """Make the memory hold these concepts and no others.

        Args:
            memory: What it is to hold.
            there: What it holds.
            kept: Names of those that are as they should be.
            remembering: Told how far it is.
            note: Told of each that is remembered.

        Raises:
            InvalidInput: A concept can't be remembered, or not by its name.
        """
        for one in there:
            if one.display_name not in kept:
                self._client.forget(one.name)
        wanted = memory.concepts
        for done, concept in enumerate(wanted):
            remembering(done, len(wanted))
            if concept.name not in kept:
                made = self._show(concept)
                note(made)
                _check_name(made, concept)
        if self._can.training:
            self._train([concept.name for concept in wanted], remembering)
        remembering(len(wanted), len(wanted))

    def ask(
        self, question: str, photo: bytes | None, concepts: Sequence[str] | None
    ) -> messages.Answer:
        """See `Session.ask`. An answer that had to do without something is none."""
        answer = patiently(lambda: self._client.ask(question, photo, concepts=concepts))
        if lost := answer.degradation:
            raise Refused(f"answered without {lost.loss}: {lost.message}", reason="ANSWER_DEGRADED")
        return answer

    def retrieve(self, photo: bytes) -> messages.Retrieval:
        """See `Session.retrieve`."""
        return patiently(lambda: self._client.retrieve(photo))

    def recognize(self, photo: bytes, names: Sequence[str]) -> list[messages.Recognition]:
        """See `Session.recognize`."""
        parts = [names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE)]
        answers = (patiently(partial(self._client.recognize, photo, part)) for part in parts)
        return [one for answer in answers for one in answer]

    def remember(self, concept: Concept) -> int:
        """See `Session.remember`."""
        self._show(concept)
        if self._can.training:
            self._train([concept.name], lambda done, of: None)
        return sum(map(len, self._views(concept)))

    def rename(self, name: str, new: str) -> None:
        """See `Session.rename`."""
        self._client.edit(name, name=new)

    def describe(self, name: str, description: str) -> None:
        """See `Session.describe`."""
        self._client.edit(name, description=description)

    def forget(self, name: str) -> None:
        """See `Session.forget`."""
        self._client.forget(name)

    def _show(self, concept: Concept) -> messages.Concept:
        """Remember a concept by as many views as the method has a use for; nothing is trained."""
        views = self._views(concept)

        def remember(boxes: Sequence[messages.Box]) -> messages.Concept:
            return self._client.remember(
                concept.name,
                views,
                category=concept.category,
                description=concept.description,
                boxes=boxes,
                wait=False,
            )

        try:
            return patiently(lambda: remember([]))
        except InvalidInput as error:
            if found := _VIEW.match(str(error)):
                view = concept.views[int(found[1])]
                raise InvalidInput(
                    f"data: {view}: {error}", reason=error.reason, field="data"
                ) from error
            if concept.category or error.reason != "SEVERAL_REGIONS":
                raise
            # Several things are seen, and nobody says of what kind it is: all of it is meant.
            return patiently(lambda: remember([whole(view) for view in views]))

    def _views(self, concept: Concept) -> list[bytes]:
        return [photo_bytes(view) for view in concept.views[: self._can.positives_max or None]]

    def _train(self, names: Sequence[str], remembering: Remembering) -> None:
        """Train those that are not yet, as many together as one question can be about."""
        states = {one.display_name: one.state for one in self._client.list_concepts()}
        left = [name for name in names if states[name] != "ready"]
        together = self._can.max_concepts_at_once or max(1, len(left))
        for start in range(0, len(left), together):
            remembering(len(names) - len(left) + start, len(names))
            self._learn(left[start : start + together])

    def _learn(self, names: Sequence[str]) -> None:
        """Train these together if the method can, else one after the other, as they are queued."""
        try:
            self._client.train(names)
        except Refused as error:
            if error.reason != "TRAINING_RUNNING" or len(names) == 1:
                raise
            for name in names:
                self._client.train(name)


def _check_name(made: messages.Concept, wanted: Concept) -> None:
    """Refuse a concept that questions would ask for by another name than it is remembered by."""
    if made.display_name != wanted.name:
        raise InvalidInput(
            f"data: concept {wanted.name!r} can't be remembered: it would be called "
            f"{made.display_name!r}; call it so in the dataset",
            reason="NAME_UNFIT",
            field="data",
        )
