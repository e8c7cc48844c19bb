"""An assistant that is measured: a user for each memory, or one user's memory in turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from google.longrunning.operations_pb2 import Operation

from evaluation.manifest import Concept
from evaluation.systems.assistant import Assistant, Remote, behind
from evaluation.systems.system import Memory, Session
from kith.client import Client
from kith.errors import InvalidInput, NotFound, Overloaded, Refused
from kith.v1 import common_pb2, memory_pb2, query_pb2
from tests.evaluation.stripes import COLORS, picture
from tests.evaluation.systems.crowd import Crowd
from tests.kith.fake import _abort as abort
from tests.kith.fake import serving


def quiet(done: int, of: int) -> None:
    """Tells nobody."""


@pytest.fixture
def concepts(tmp_path: Path) -> tuple[Concept, ...]:
    """Each with three views."""
    made = []
    for name, color in COLORS.items():
        views = tuple(tmp_path / f"{name}{n}.png" for n in range(3))
        for n, path in enumerate(views):
            picture(color, height=10 + n).save(path)
        made.append(Concept(name, "thing", views, f"<{name}> is plain."))
    return tuple(made)


@contextmanager
def asked(crowd: Crowd, memory: Memory, folder: Path) -> Iterator[Session]:
    """A server with that memory."""
    with (
        serving(crowd) as address,
        behind(Remote(address), folder) as system,
        system.session(memory, quiet) as session,
    ):
        yield session


def user_of(memory: Memory) -> str:
    return f"eval-{memory.fingerprint[:32]}"


def test_a_view_that_is_not_whole_is_named(concepts: tuple[Concept, ...], tmp_path: Path) -> None:
    crowd = Crowd()
    said = "views[1].photo: truncated or damaged; send the whole file"
    with asked(crowd, Memory(()), tmp_path) as session:
        crowd.fail_with = InvalidInput(said, reason="IMAGE_DAMAGED", field="views[1].photo")
        with pytest.raises(InvalidInput) as caught:
            session.remember(concepts[0])
    assert str(caught.value) == f"data: {concepts[0].views[1]}: {said}"


def test_a_concept_that_is_kept_by_another_name_is_refused(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    class Cleaning(Crowd):
        def Remember(  # noqa: N802 - the contract's own
            self, request: memory_pb2.RememberRequest, context: grpc.ServicerContext
        ) -> Operation:
            request.concept.display_name = " ".join(request.concept.display_name.split())
            return super().Remember(request, context)

    crowd = Cleaning()
    memory = Memory((replace(concepts[0], name="big  bo"),))
    with (
        serving(crowd) as address,
        pytest.raises(InvalidInput, match=r"'big  bo' can't be remembered: .* called 'big bo'; "),
        behind(Remote(address, token="t"), tmp_path) as system,
        system.session(memory, quiet),
    ):
        pass
    assert crowd.names("t") == set()


def test_each_memory_is_a_user_of_its_own_and_found_again(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd()
    whole, half = Memory(concepts), Memory(concepts[:2])
    seen: list[tuple[int, int]] = []
    with serving(crowd) as address, behind(Remote(address), tmp_path) as system:
        assert (system.name, system.told) == ("kith", False)
        for _ in range(2):
            for memory in (whole, half):
                with system.session(memory, lambda *told: seen.append(told)):
                    pass
    assert crowd.names(user_of(whole)) == set(COLORS)
    assert crowd.names(user_of(half)) == {"bo", "mika"}
    remembered = crowd.asked(memory_pb2.RememberRequest)
    assert len(remembered) == 5 + 2
    assert [view.photo.data for view in remembered[0].views] == [
        path.read_bytes() for path in concepts[0].views
    ]
    assert remembered[0].concept.description == "<bo> is plain."
    assert seen[:6] == [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]


def test_what_an_edit_left_behind_is_mended(concepts: tuple[Concept, ...], tmp_path: Path) -> None:
    crowd, memory = Crowd(), Memory(concepts[:3], "edits")
    with serving(crowd) as address, behind(Remote(address), tmp_path) as system:
        with system.session(memory, quiet) as session:
            session.rename("bo", "bo-renamed")
        with system.session(memory, quiet):
            assert crowd.names(user_of(memory)) == {"bo", "mika", "lina"}
    assert len(crowd.asked(memory_pb2.RememberRequest)) == 4


def test_a_tokens_user_has_one_memory_after_the_other(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd()
    whole, other = Memory(concepts[:3]), Memory((*concepts[1:2], concepts[4]))
    with serving(crowd) as address, behind(Remote(address, token="t"), tmp_path) as system:
        for memory in (whole, whole, other, whole):
            with system.session(memory, quiet):
                assert crowd.names("t") == {one.name for one in memory.concepts}
    assert len(crowd.asked(memory_pb2.RememberRequest)) == 3 + 2 + 3


def test_a_tokens_user_is_left_as_it_was(concepts: tuple[Concept, ...], tmp_path: Path) -> None:
    """After a run, after one that failed, and after one that only asked what the method can do."""
    crowd, memory = Crowd(), Memory(concepts[:3])
    with serving(crowd) as address:
        remote = Remote(address, token="t")
        with behind(remote, tmp_path) as system, system.session(memory, quiet):
            assert crowd.names("t") == {"bo", "mika", "lina"}
            with behind(remote, tmp_path):
                pass
            assert crowd.names("t") == {"bo", "mika", "lina"}
        assert crowd.names("t") == set()
        with (
            pytest.raises(NotFound),
            behind(remote, tmp_path) as system,
            system.session(memory, quiet) as session,
        ):
            session.forget("nobody")
        assert crowd.names("t") == set()
        # What its user remembers from now on is not ours, whatever its name.
        with Client(address, token="t") as client:
            client.remember("bo", concepts[0].views[0])
        with (
            pytest.raises(Refused, match="its user remembers 'bo', which an evaluation"),
            behind(remote, tmp_path) as system,
            system.session(memory, quiet),
        ):
            pass
        assert crowd.names("t") == {"bo"}


def test_shuffled_concepts_of_the_same_names_are_not_taken_for_the_others(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd()
    bo, mika = concepts[:2]
    swapped = (
        Concept("bo", "thing", mika.views),
        Concept("mika", "thing", bo.views),
    )
    with serving(crowd) as address, behind(Remote(address, token="t"), tmp_path) as system:
        for memory in (Memory((bo, mika)), Memory(swapped)):
            with system.session(memory, quiet):
                pass
    last = crowd.asked(memory_pb2.RememberRequest)[-2:]
    assert [one.views[0].photo.data for one in last] == [
        mika.views[0].read_bytes(),
        bo.views[0].read_bytes(),
    ]


def test_what_somebody_else_remembers_is_never_forgotten(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd()
    with serving(crowd) as address:
        with Client(address, token="t") as client:
            client.remember("theirs", concepts[0].views[0])
        with (
            behind(Remote(address, token="t"), tmp_path) as system,
            pytest.raises(Refused, match="its user remembers 'theirs', which an evaluation"),
            system.session(Memory(concepts), quiet),
        ):
            pass
    assert crowd.names("t") == {"theirs"}


def test_those_that_train_learn_as_many_together_as_a_question_is_about(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd(trains=True, at_once=2)
    with serving(crowd) as address, behind(Remote(address), tmp_path) as system:
        assert system.told
        for _ in range(2):
            with system.session(Memory(concepts[:3]), quiet):
                pass
    trained = crowd.asked(memory_pb2.TrainConceptsRequest)
    assert [len(one.concepts) for one in trained] == [2, 1]


def test_those_that_learn_alone_are_trained_as_they_are_queued(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    class Alone(Crowd):
        def TrainConcepts(  # noqa: N802 - the contract's own
            self, request: memory_pb2.TrainConceptsRequest, context: grpc.ServicerContext
        ) -> Operation:
            if len(request.concepts) > 1:
                self.requests.append(request)
                abort(context, Refused("one of them is trained", reason="TRAINING_RUNNING"))
            return super().TrainConcepts(request, context)

    crowd = Alone(trains=True)
    with asked(crowd, Memory(concepts[:3]), tmp_path):
        pass
    trained = crowd.asked(memory_pb2.TrainConceptsRequest)
    assert [len(one.concepts) for one in trained] == [3, 1, 1, 1]


def test_more_concepts_than_one_request_takes_are_asked_in_several(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd()
    many = tuple(Concept(f"c{n}", "thing", concepts[0].views) for n in range(70))
    names = [one.name for one in reversed(many)]
    with asked(crowd, Memory(many), tmp_path) as session:
        found = session.recognize(concepts[0].views[0].read_bytes(), names)
    assert [one.concept for one in found] == names
    assert [len(one.concepts) for one in crowd.asked(query_pb2.RecognizeRequest)] == [64, 6]


def test_a_question_draws_on_what_it_is_given(
    concepts: tuple[Concept, ...], tmp_path: Path
) -> None:
    crowd = Crowd()
    with asked(crowd, Memory(concepts), tmp_path) as session:
        for given in (None, [], ["bo"]):
            assert session.ask("Who?", b"photo", given).text == "Yes, <bo> sits there."
        crowd.degradation = query_pb2.Degradation(
            loss=query_pb2.Degradation.LOSS_MEMORY, reason="AWAY", message="it is away"
        )
        with pytest.raises(Refused, match="answered without memory: it is away"):
            session.ask("Who?", None, None)
    requests = crowd.asked(query_pb2.GenerateRequest)
    assert [one.HasField("given_concepts") for one in requests] == [False, True, True, False]
    assert list(requests[2].given_concepts.concepts) == ["bo"]
    assert requests[0].turns[0].role == common_pb2.ROLE_USER


def test_a_busy_server_is_asked_again(concepts: tuple[Concept, ...], tmp_path: Path) -> None:
    class Busy(Crowd):
        refusals = 2

        def _note(self, request: object, context: object) -> None:
            self.fail_with = None
            if isinstance(request, query_pb2.RetrieveRequest) and self.refusals:
                self.refusals -= 1
                self.fail_with = Overloaded("full", reason="QUEUE_FULL", retry_after_s=0.01)
            super()._note(request, context)  # type: ignore[arg-type]

    crowd = Busy()
    with asked(crowd, Memory(concepts[:1]), tmp_path) as session:
        assert session.retrieve(b"photo").accepted[0].concept == "bo"
    assert crowd.refusals == 0


def test_an_assistant_is_a_system(tmp_path: Path) -> None:
    with serving(Crowd()) as address:
        system = Assistant(Remote(address), tmp_path)
        assert system.capabilities.models[0].name == "fake"
