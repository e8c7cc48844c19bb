"""Where nothing can be written, edits are refused by name and questions are answered."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kith import Client
from kith.errors import KithError, Refused
from kith.messages import Concept
from tests.assistant.world import open_store
from tests.reliability.painted import Painted, photo_of
from tests.reliability.table import Effort, Table
from tests.reliability.volumes import QUICK, SITUATIONS, Impossible, Situation

BY_NAME = {"MEMORY_UNWRITABLE", "PHOTOS_UNWRITABLE", "MEMORY_UNUSABLE"}
ROUNDS = {"short": 2, "long": 30}
DOG, OTHER = photo_of("dog", 0), photo_of("dog", 40)


def edits(kith: Client, round_: int) -> list[Callable[[], object]]:
    """Every kind of edit, of a memory that knows `bo`, and `rex`, who is forgotten."""
    return [
        lambda: kith.remember(f"new {round_}", OTHER, category="dog", description="new"),
        lambda: kith.edit("bo", description=f"round {round_}"),
        lambda: kith.add_views("bo", photo_of("dog", round_ % 3)),
        lambda: kith.reject("bo", photo_of("dog", 80)),
        lambda: kith.unforget("rex"),
        lambda: kith.forget("bo"),
    ]


def outcome(edit: Callable[[], object]) -> str:
    """What came of it."""
    try:
        edit()
    except KithError as error:
        named = isinstance(error, Refused) and error.reason in BY_NAME
        return "refused by name" if named else f"{type(error).__name__} {error.reason}"
    return "done"


def known(kith: Client, *, with_photos: bool = True) -> list[Concept]:
    """The whole memory, with every photo looked at if wanted."""
    concepts = kith.list_concepts(forgotten=True)
    if not with_photos:
        return concepts
    for view in (view for concept in concepts for view in concept.views):
        if not any(c.state == "forgotten" and view in c.views for c in concepts):
            assert kith.get_view(view.name).photo
    return concepts


@contextmanager
def running(folder: Path, situation: Situation) -> Iterator[Painted]:
    """A server on a volume of its own."""
    folder.mkdir()
    with ExitStack() as stack:
        stack.enter_context(situation.volume(folder))
        server = Painted(folder, situation.runner(folder))
        stack.callback(server.close)
        server.start()
        yield server


def endure(table: Table, situation: Situation, server: Painted, rounds: int) -> int:
    """One situation, before, amid and after; returns how many calls were made amid it."""
    name = situation.name
    with server.client() as kith, server.client("newcomer") as newcomer:
        kith.remember("bo", DOG, category="dog", description="A dog.")
        kith.remember("rex", photo_of("dog", 80), category="dog", description="A dog.")
        kith.forget("rex")
        before = known(kith)
        newcomer.capabilities()  # a connection, and no memory yet
        with situation.trouble(server):
            refused = [outcome(edit) for n in range(rounds) for edit in edits(kith, n)]
            refused.append(outcome(newcomer.list_concepts))  # whose memory is not there yet
            answers = [[u.concept for u in kith.retrieve(DOG).accepted] for _ in range(rounds)]
            same = known(kith, with_photos=situation.shows_photos) == before
            alive = "goes on" if server.alive else "ended"
            if not situation.passes:
                server.close()
        other = sorted(set(refused) - {"refused by name"})
        table.exactly(f"{name}: edits, refused by name", ", ".join(other) or "all", "all")
        table.exactly(f"{name}: photos, known", answers.count(["bo"]), rounds)
        table.exactly(f"{name}: the memory", "as before" if same else "changed", "as before")
        table.exactly(f"{name}: the process", alive, "goes on")
    if not situation.passes:
        server.open()
        server.start()
    with server.client() as kith, server.client("newcomer") as newcomer:
        done = [outcome(edit) for edit in [newcomer.list_concepts, *edits(kith, rounds)]]
        when = "afterwards" if situation.passes else "after a restart"
        table.exactly(f"{name}: edits done {when}", done.count("done"), len(done))
        names = {concept.display_name for concept in known(kith)}
        server.kill()
    with open_store(server.memory) as store:
        there = {concept.name for concept in store.list(forgotten_too=True).concepts}
        lost = len(server.astray(store)) + sum(store.repair()) + len(there ^ names)
    table.exactly(f"{name}: lost or left over", lost, 0)
    return len(refused) + len(answers)


def test_edits_are_refused_by_name_and_questions_answered(tmp_path: Path, effort: Effort) -> None:
    oracle = "the memory as it was before, and the reasons in BY_NAME"
    situations = SITUATIONS if effort == "long" else SITUATIONS[:QUICK]
    calls = tried = 0
    with Table("Full disk, read-only volume, quota", oracle, effort) as table:
        for number, situation in enumerate(situations):
            try:
                with running(tmp_path / f"v{number}", situation) as server:
                    calls += endure(table, situation, server, ROUNDS[effort])
                    tried += 1
            except Impossible as reason:
                table.tell(situation.name, f"not tried: {reason}")
        least = len(SITUATIONS) if effort == "long" else 2
        table.traffic("situations", tried, at_least=least)
        table.traffic("calls amid them", calls, at_least=7 * tried * ROUNDS[effort])
