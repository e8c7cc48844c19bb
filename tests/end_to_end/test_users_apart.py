"""Users are apart: whatever of another's is named, in whatever call, there is no such thing.

The calls and the fields that can hold an id come from the contract, so that a new one is tried
without a word here. All of it holds for a method that retrieves and for one that trains.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc
import pytest
from google.api import field_behavior_pb2, resource_pb2
from google.longrunning import operations_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from kith.errors import KithError, NotFound, Refused
from kith.v1 import (
    assistant_pb2,
    assistant_pb2_grpc,
    common_pb2,
    detection_pb2,
    embedding_pb2,
    generation_pb2,
    memory_pb2,
    query_pb2,
    resources_pb2,
    transfer_pb2,
)
from services.assistant import servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.baselines.trainings import Limits
from services.runtime.calls import calling
from services.runtime.identity import USER_KEY
from tests.assistant.calling import new_view, picture, wish
from tests.assistant.world import (
    STRANGER_DISTANCE,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    Thing,
    open_store,
    paint,
)
from tests.baselines import service
from tests.baselines.steps import Steps
from tests.generation.tiny import write_llava
from tests.runtime.serving import served
from tests.tokens import write_tokens

OPERATIONS: Final = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
ASSISTANT: Final = assistant_pb2.DESCRIPTOR.services_by_name["Assistant"]
NAMES_OR_IDS: Final = {"RecognizeRequest.concepts", "GivenConcepts.concepts"}
"""Fields that take a display name as well, and so have no reference of a resource."""
UNREAD: Final = {("Remember", ("concept", "name"))}
"""A new concept is given its id, whatever the caller writes there."""
WITHOUT_IDS: Final = {"GetCapabilities"}
DOG: Final = Thing("dog", 10)


class Slot(NamedTuple):
    """A place in a request that can hold an id."""

    path: tuple[str, ...]
    kind: str
    """"user", "Concept", "View", or "word" for a display name or an id."""


class Belongings(NamedTuple):
    """What a user has in memory, and under which ids."""

    user: str
    concept: resources_pb2.Concept
    forgotten: resources_pb2.Concept

    def ids(self, kind: str, of: str) -> Iterator[str]:
        """Every way to write an id of this user's, for user `of` to try."""
        concepts = [each.name.split("/")[3] for each in (self.concept, self.forgotten)]
        views = [view.name.split("/")[5] for view in self.concept.views]
        if kind == "user":
            yield f"users/{self.user}"
        for user in (self.user, "me", of):
            for concept in concepts:
                if kind in ("Concept", "word"):
                    yield f"users/{user}/concepts/{concept}"
                for view in views if kind == "View" else ():
                    yield f"users/{user}/concepts/{concept}/views/{view}"
        if kind == "word":
            yield from (*concepts, self.concept.display_name, self.forgotten.display_name)

    @property
    def telling(self) -> list[bytes]:
        """What no answer to another may hold."""
        ids = [view.name.split("/")[5] for view in self.concept.views]
        ids += [each.name.split("/")[3] for each in (self.concept, self.forgotten)]
        return [text.encode() for text in (*ids, self.concept.description)]


class User(NamedTuple):
    """A user with a token, who also claims to be the other."""

    name: str
    stub: Any
    operations: Any
    metadata: tuple[tuple[str, str], ...]

    async def call(self, rpc: MethodDescriptor, request: Message) -> Message:
        """The answer, or the first of a stream of them."""
        sent: Any = iter([request]) if rpc.client_streaming else request
        with calling("assistant"):
            call = getattr(self.stub, rpc.name)(sent, metadata=self.metadata)
            if rpc.server_streaming:
                answer: Message = await anext(aiter(call))
                call.cancel()
                return answer
            return await call  # type: ignore[no-any-return]

    async def operate(self, rpc: MethodDescriptor, name: str) -> Message:
        """The answer of the standard service of operations."""
        request = GetMessageClass(rpc.input_type)(name=name)
        with calling("assistant"):
            answer: Message = await getattr(self.operations, rpc.name)(
                request, metadata=self.metadata
            )
            return answer

    async def begin(self, name: str) -> Any:  # noqa: ANN401 - an operation
        request = wish(name, DOG, Thing("dog", 12))
        return await self.call(ASSISTANT.methods_by_name["Remember"], request)

    async def remember(self, name: str) -> resources_pb2.Concept:
        operation = await self.begin(name)
        if not operation.done:
            over: Any = await self.operate(
                OPERATIONS.methods_by_name["WaitOperation"], operation.name
            )
            operation = over
        concept = resources_pb2.Concept()
        assert operation.response.Unpack(concept)
        return concept

    async def belongings(self, prefix: str) -> Belongings:
        """A concept with views, one of them rejected; and one that can still be unforgotten."""
        concept = await self.remember(f"{prefix}bo")
        reject = memory_pb2.RejectMatchRequest(name=concept.name, photo=picture(paint(DOG)))
        with suppress(Refused):  # what trains heeds no rejection
            await self.call(ASSISTANT.methods_by_name["RejectMatch"], reject)
        get = memory_pb2.GetConceptRequest(name=concept.name)
        whole: Any = await self.call(ASSISTANT.methods_by_name["GetConcept"], get)
        forgotten = await self.remember(f"{prefix}rex")
        forget = memory_pb2.ForgetRequest(name=forgotten.name)
        await self.call(ASSISTANT.methods_by_name["Forget"], forget)
        return Belongings(self.name, whole, forgotten)

    async def everything(self) -> Message:
        """The whole memory, forgotten concepts too."""
        request = memory_pb2.ListConceptsRequest(parent="users/me", show_deleted=True)
        return await self.call(ASSISTANT.methods_by_name["ListConcepts"], request)


@pytest.fixture(params=["retrieves", "trains"])
async def users(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[User, User]]:
    async with two_users(tmp_path, trains=request.param == "trains") as both:
        yield both


@asynccontextmanager
async def two_users(folder: Path, *, trains: bool) -> AsyncIterator[tuple[User, User]]:
    tokens = write_tokens(folder / "tokens", ann="ann", bob="bob")
    serving = training if trains else retrieving
    async with serving(folder, tokens) as (stub, operations):
        yield tuple(
            User(name, stub, operations, (("authorization", f"Bearer {name}"), (USER_KEY, other)))
            for name, other in (("ann", "bob"), ("bob", "ann"))
        )  # type: ignore[misc]


@asynccontextmanager
async def retrieving(folder: Path, tokens: Path) -> AsyncIterator[tuple[Any, None]]:
    stages = Stages(PaintDetector(), PaintEmbedder(), Parrot(), STRANGER_DISTANCE, 0.1)
    stores = Stores(lambda user: open_store(folder / "memory", user))
    assistant = servicer.service(Assistant(method("kith"), stages, stores))
    async with served(assistant, tokens_file=tokens) as channel:
        yield assistant_pb2_grpc.AssistantStub(channel), None
    await stores.close()


@asynccontextmanager
async def training(folder: Path, tokens: Path) -> AsyncIterator[tuple[Any, Any]]:
    spec = replace(write_llava(folder / "llava"), dtype="float32")
    pool = folder / "pool"
    pool.mkdir()
    paint(Thing("cat", 5)).save(pool / "cat.png")
    options = {"pool": pool, "limits": Limits(1000, 1000), "tokens_file": tokens}
    async with service.serving(folder / "memory", spec, Steps(), **options) as caller:
        yield caller.assistant, caller.operations


def options(field: FieldDescriptor, extension: Any) -> Any:  # noqa: ANN401 - of any type
    return field.GetOptions().Extensions[extension]


def slots(message: Descriptor, path: tuple[str, ...] = ()) -> Iterator[Slot]:
    """Every place in a request that can hold an id."""
    for field in message.fields:
        behaviours = options(field, field_behavior_pb2.field_behavior)
        if field_behavior_pb2.OUTPUT_ONLY in behaviours:
            continue
        here = (*path, field.name)
        reference = options(field, resource_pb2.resource_reference)
        if reference.child_type:
            yield Slot(here, "user")
        elif reference.type:
            yield Slot(here, reference.type.removeprefix("kith.dev/"))
        elif field_behavior_pb2.IDENTIFIER in behaviours:
            yield Slot(here, message.name)
        elif f"{message.name}.{field.name}" in NAMES_OR_IDS:
            yield Slot(here, "word")
        elif field.message_type and field.message_type.full_name.startswith("kith."):
            yield from slots(field.message_type, here)


def fill(message: Any, own: Belongings) -> None:  # noqa: ANN401 - of any request
    """Makes a request that its user may make: what is required, and a change where one is meant."""
    match message:
        case common_pb2.Image():
            message.CopyFrom(picture(paint(DOG)))
        case resources_pb2.NewView():
            message.CopyFrom(new_view(DOG))
        case resources_pb2.Concept():
            message.display_name = "another"
        case common_pb2.Turn():
            message.role = common_pb2.ROLE_USER
            message.parts.add(text="Who is here?")
        case transfer_pb2.ImportMemoryRequest():
            fill(message.header, own)
        case _:
            for field in message.DESCRIPTOR.fields:
                if field_behavior_pb2.REQUIRED in options(field, field_behavior_pb2.field_behavior):
                    fill_field(message, field, own)


def fill_field(message: Any, field: FieldDescriptor, own: Belongings) -> None:  # noqa: ANN401
    if field.message_type:
        value = getattr(message, field.name)
        fill(value.add() if field.is_repeated else value, own)
        return
    reference = options(field, resource_pb2.resource_reference)
    if reference.child_type:
        value = "users/me"
    elif reference.type == "kith.dev/View":
        value = own.concept.views[0].name
    elif field.enum_type:
        value = 1
    else:
        value = own.concept.name
    place(message, (field.name,), value)


def place(message: Any, path: tuple[str, ...], value: object) -> None:  # noqa: ANN401 - of any request
    """Writes a value into the field at the end of a path."""
    for name in path[:-1]:
        inner = getattr(message, name)
        repeated = message.DESCRIPTOR.fields_by_name[name].is_repeated
        message = (inner[0] if inner else inner.add()) if repeated else inner
    if message.DESCRIPTOR.fields_by_name[path[-1]].is_repeated:
        getattr(message, path[-1])[:] = [value]
    else:
        setattr(message, path[-1], value)


def request_of(rpc: MethodDescriptor, own: Belongings) -> Message:
    request = GetMessageClass(rpc.input_type)()
    fill(request, own)
    if rpc.name == "UpdateConcept":
        place(request, ("concept", "name"), own.concept.name)
    return request


async def test_nothing_of_another_user_is_found_by_any_call(users: tuple[User, User]) -> None:
    ann, bob = users
    hers, his = await ann.belongings("ann's "), await bob.belongings("bob's ")
    before = await ann.everything()
    found = []
    tried = 0
    for rpc in ASSISTANT.methods:
        for slot in slots(rpc.input_type):
            for stolen in hers.ids(slot.kind, "bob"):
                request = request_of(rpc, his)
                place(request, slot.path, stolen)
                tried += 1
                outcome = await attempt(bob, rpc, request, hers)
                expected = "an answer" if (rpc.name, slot.path) in UNREAD else "NOT_FOUND"
                if outcome != expected:
                    found.append(f"{rpc.name} {'.'.join(slot.path)}={stolen}: {outcome}")
                if expected == "an answer":
                    # Each of these made a concept of bob's own: the next needs its name.
                    await forget_all(bob, keep=his.concept.name)
    assert found == []
    assert tried > 100
    assert await ann.everything() == before


async def attempt(user: User, rpc: MethodDescriptor, request: Message, others: Belongings) -> str:
    try:
        answer = await user.call(rpc, request)
    except NotFound as error:
        return (
            "NOT_FOUND, which tells"
            if tells(others, str(error).encode(), request)
            else error.status
        )
    except KithError as error:
        return f"{error.status} {error.reason}"
    return "another's" if tells(others, answer.SerializeToString()) else "an answer"


def tells(others: Belongings, said: bytes, asked: Message | None = None) -> bool:
    """Whether an answer holds what only another user knows, beyond what the request itself held."""
    known = asked.SerializeToString() if asked else b""
    return any(word in said and word not in known for word in others.telling)


async def forget_all(user: User, keep: str) -> None:
    listed: Any = await user.call(
        ASSISTANT.methods_by_name["ListConcepts"],
        memory_pb2.ListConceptsRequest(parent="users/me"),
    )
    for concept in listed.concepts:
        if concept.name != keep:
            request = memory_pb2.ForgetRequest(name=concept.name)
            await user.call(ASSISTANT.methods_by_name["Forget"], request)


async def test_nobody_sees_or_ends_the_trainings_of_another(tmp_path: Path) -> None:
    async with two_users(tmp_path, trains=True) as (ann, bob):
        hers, his = await ann.begin("bo"), await bob.begin("bo")
        listing = OPERATIONS.methods_by_name["ListOperations"]
        for rpc in OPERATIONS.methods:
            if rpc != listing:
                with pytest.raises(NotFound):
                    await bob.operate(rpc, hers.name)
        listed: Any = await bob.operate(listing, "operations")
        assert [one.name for one in listed.operations] == [his.name]
        over: Any = await ann.operate(OPERATIONS.methods_by_name["WaitOperation"], hers.name)
        assert over.HasField("response")


async def test_the_same_requests_find_what_is_ones_own(users: tuple[User, User]) -> None:
    """Else NOT_FOUND above would prove nothing."""
    _, bob = users
    his = await bob.belongings("bob's ")
    missing = []
    for rpc in ASSISTANT.methods:
        try:
            await bob.call(rpc, request_of(rpc, his))
        except NotFound as error:
            missing.append(f"{rpc.name}: {error}")
        except KithError:
            pass  # as an import without an archive in it
    assert missing == []


async def test_a_photo_finds_and_a_question_tells_only_ones_own(users: tuple[User, User]) -> None:
    ann, bob = users
    hers = await ann.belongings("ann's ")
    image = picture(paint(DOG))  # the very photo that ann's concept was made of
    turn = common_pb2.Turn(role=common_pb2.ROLE_USER)
    turn.parts.add(text=f"Is <{hers.concept.display_name}> here?")
    turn.parts.add(image=image)
    for name, request in (
        ("Retrieve", query_pb2.RetrieveRequest(parent="users/me", images=[image])),
        ("Generate", query_pb2.GenerateRequest(parent="users/me", turns=[turn])),
        ("ListConcepts", memory_pb2.ListConceptsRequest(parent="users/me", show_deleted=True)),
        ("Remember", wish("rex", DOG, validate_only=True)),
    ):
        with suppress(Refused):  # what trains retrieves nothing
            answer = await bob.call(ASSISTANT.methods_by_name[name], request)
            assert not tells(hers, answer.SerializeToString()), name


def test_every_call_about_a_memory_has_a_place_for_an_id() -> None:
    without = {rpc.name for rpc in ASSISTANT.methods if not list(slots(rpc.input_type))}
    assert without == WITHOUT_IDS


def test_the_stages_know_no_user_and_no_id() -> None:
    for stage in (detection_pb2, embedding_pb2, generation_pb2):
        for one in stage.DESCRIPTOR.services_by_name.values():
            for rpc in one.methods:
                assert list(slots(rpc.input_type)) == []


async def test_without_a_token_there_is_nobody(users: tuple[User, User]) -> None:
    ann, _ = users
    his = await ann.belongings("")
    for rpc in ASSISTANT.methods:
        for metadata in ((), ((USER_KEY, "ann"),), (("authorization", "Bearer eve"),)):
            with pytest.raises(KithError) as refused:
                await ann._replace(metadata=metadata).call(rpc, request_of(rpc, his))
            assert refused.value.status == grpc.StatusCode.UNAUTHENTICATED.name
