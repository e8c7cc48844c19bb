"""What a method knows of everybody's concepts: their artefacts, and how far each is."""

from dataclasses import replace
from pathlib import Path

from kith.errors import Refused
from memory_db import Concept, ConceptStore
from services.assistant.memory import positive_views
from services.baselines import jobs, kept
from services.baselines.artefacts import Artefact, Header, load
from services.baselines.base_model import BaseModel
from services.baselines.methods.base import Learned, Method
from services.baselines.place import Place, writing

_PAGE = 1000

_Stamp = tuple[int, int]


class Known:
    """The artefacts of one method. Safe to share between threads.

    Args:
        root: Folder of everybody's.
        method: Whose artefacts.
        memory: Name of the embedder whose memories the concepts are in.
    """

    def __init__(self, root: Path, method: Method, memory: str) -> None:
        self.root = root
        self.method = method
        self.memory = memory
        self._headers: dict[Path, tuple[_Stamp, Header | None]] = {}

    def place(self, user: str) -> Place:
        """Where a user's things lie."""
        return Place(self.root, user)

    def is_learned(self, user: str, concept: Concept) -> bool:
        """Whether there is an artefact of a concept."""
        return self._header(user, concept.id) is not None

    def is_outdated(self, user: str, concept: Concept) -> bool:
        """Whether its views have changed since, or its name where that was learned too."""
        header = self._header(user, concept.id)
        if header is None:
            return False
        views = {view.id for view in positive_views(concept)}
        # Captions hold the name; elsewhere a token of no meaning stands in its place.
        learns_names = self.method.capabilities.captions
        renamed = learns_names and header.tokens[:1] != (f"<{concept.name}>",)
        return renamed or views != set(header.views)

    def load(self, user: str, concept: Concept, base: BaseModel) -> Learned:
        """A concept as a question sees it. Blocks.

        Args:
            user: Whose it is.
            concept: One that is learned.
            base: The base model.

        Raises:
            Refused: As `artefacts.load`.
        """
        path = self.place(user).artefact(self.method.name, concept.id)
        shapes = self.method.shapes(base)
        artefact = load(path, self.method.name, base.fingerprint, shapes)
        return Learned(concept.id, concept.name, artefact)

    def save(self, user: str, concept_id: str, artefact: Artefact, views: tuple[str, ...]) -> None:
        """Writes down what was learned of a concept from these views. Blocks.

        Raises:
            Refused: It can't be written.
        """
        header = replace(artefact.header, views=views)
        path = self.place(user).artefact(self.method.name, concept_id)
        with writing():
            replace(artefact, header=header).save(path)

    def tidy(self, user: str, store: ConceptStore) -> None:
        """Deletes all that is kept of concepts that are gone from a memory for good. Blocks.

        Concepts that were last seen in the memory of another embedder are left alone: they are not
        in this one.
        """
        place = self.place(user)
        there = _ids(store)
        for concept_id in list(place.concepts()):
            if concept_id in there:
                if kept.about(place, concept_id).memory != self.memory:
                    kept.keep(place, concept_id, self.memory, kept.Given())
            elif kept.about(place, concept_id).memory == self.memory:
                place.discard(concept_id)
                _discard_jobs(place, concept_id)

    def _header(self, user: str, concept_id: str) -> Header | None:
        """Of what was learned; None where there is nothing. Read again once the file is another."""
        path = self.place(user).artefact(self.method.name, concept_id)
        try:
            stat = path.stat()
        except FileNotFoundError:
            return None
        stamp = (stat.st_mtime_ns, stat.st_size)
        if path not in self._headers or self._headers[path][0] != stamp:
            self._headers[path] = (stamp, _read(path))
        return self._headers[path][1]


def _read(path: Path) -> Header | None:
    """None for a damaged file: the concept has to be trained again."""
    try:
        return Artefact.open(path).header
    except Refused:
        return None


def _ids(store: ConceptStore) -> set[str]:
    """Of all concepts, those among them that can still be brought back."""
    ids: set[str] = set()
    token = ""
    while True:
        page = store.list(_PAGE, token, forgotten_too=True)
        ids |= {concept.id for concept in page.concepts}
        token = page.next_page_token
        if not token:
            return ids


def _discard_jobs(place: Place, concept_id: str) -> None:
    for job in jobs.all_jobs(place):
        told = {*job.concepts, *(one.concept_id for one in job.alike)}
        if concept_id in told and job.state is not jobs.State.OPEN:
            jobs.delete(place, job.id)
