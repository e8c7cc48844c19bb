"""Every kind of rule, shown a good and a bad message through the stubs that a server validates."""

import protovalidate
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from kith.v1 import common_pb2 as common
from kith.v1 import datagen_pb2 as datagen
from kith.v1 import detection_pb2 as detection
from kith.v1 import embedding_pb2 as embedding
from kith.v1 import evaluation_pb2 as evaluation
from kith.v1 import generation_pb2 as generation
from kith.v1 import memory_pb2 as memory
from kith.v1 import query_pb2 as query
from kith.v1 import resources_pb2 as resources
from kith.v1 import transfer_pb2 as transfer

ME = "users/me"
BO = "users/me/concepts/1f3a-7"
VIEW = f"{BO}/views/2_b"
UUID = "5f0c7c9e-6d3a-4f4b-9a53-0d3b8f6b2c11"
PHOTO = common.Image(data=b"jpeg")
HELLO = common.Part(text="Who is this?")


def said(role: common.Role, *parts: common.Part) -> common.Turn:
    return common.Turn(role=role, parts=parts or [HELLO])


def remember(**changes: object) -> memory.RememberRequest:
    settings = {
        "parent": ME,
        "concept": resources.Concept(display_name="bo"),
        "views": [resources.NewView(photo=PHOTO)],
    }
    return memory.RememberRequest(**(settings | changes))


def ask(*turns: common.Turn, **changes: object) -> query.GenerateRequest:
    return query.GenerateRequest(parent=ME, turns=turns or [said(common.ROLE_USER)], **changes)


def dataset(**changes: object) -> datagen.MakeDatasetRequest:
    settings = {
        "parent": ME,
        "dataset_id": "first",
        "engine": datagen.ENGINE_PLAYROOM,
        "split": "msbench",
    }
    return datagen.MakeDatasetRequest(**(settings | changes))


def evaluate(**changes: object) -> evaluation.RunEvaluationRequest:
    settings = {"parent": ME, "report_id": "first", "methods": ["kith"], "datasets": ["msbench"]}
    return evaluation.RunEvaluationRequest(**(settings | changes))


GOOD = [
    remember(),
    remember(parent="users/ana@example.org"),
    remember(request_id=UUID, validate_only=True),
    remember(concept=resources.Concept(display_name="<bo>")),
    remember(concept=resources.Concept(display_name="Großmutters Teekanne 🫖", category="teapot")),
    remember(views=[resources.NewView(photo=PHOTO, box=common.Box(x1=0, y1=0.5, x2=10, y2=9))]),
    memory.GetConceptRequest(name=BO),
    memory.GetViewRequest(name=VIEW),
    memory.ListConceptsRequest(parent=ME, page_size=1000),
    memory.UpdateConceptRequest(
        concept=resources.Concept(name=BO, category="dog"),
        update_mask=FieldMask(paths=["category", "description"]),
    ),
    memory.AddViewsRequest(name=BO, views=[resources.NewView(photo=PHOTO)]),
    memory.RemoveViewsRequest(name=BO, views=[VIEW]),
    memory.RejectMatchRequest(name=BO, photo=PHOTO),
    memory.ForgetRequest(name=BO, etag="7"),
    memory.WatchConceptsRequest(parent=ME),
    transfer.ImportMemoryRequest(chunk=b"x" * 2**20),
    transfer.ExportMemoryRequest(parent=ME, format=transfer.MEMORY_FORMAT_KITH_ARCHIVE),
    query.RetrieveRequest(parent=ME, images=[PHOTO] * 16),
    query.RecognizeRequest(parent=ME, image=PHOTO, concepts=["bo", BO]),
    query.GetCapabilitiesRequest(),
    ask(),
    ask(said(common.ROLE_USER), said(common.ROLE_ASSISTANT), said(common.ROLE_USER)),
    ask(said(common.ROLE_USER, *[common.Part(image=PHOTO)] * 16)),
    ask(given_concepts=query.GivenConcepts()),
    ask(limits=common.Limits(max_tokens=4096, temperature=2, stop=["\n"])),
    detection.DetectRequest(image=PHOTO),
    embedding.EmbedTextsRequest(texts=["a photo of a dog"]),
    generation.GenerationGenerateRequest(turns=[said(common.ROLE_USER)], cache_key=b"k" * 64),
    dataset(shard=common.Shard(index=2, count=3)),
    evaluate(tasks=[evaluation.TASK_RECOGNITION], memory_sizes=[10, 1000]),
]

BAD = [
    ("parent", remember(parent="")),
    ("parent", remember(parent="users/")),
    ("parent", remember(parent="users/a/b")),
    ("parent", remember(parent=f"users/{'a' * 65}")),
    ("concept", remember(concept=None)),
    ("concept", remember(concept=resources.Concept(category="dog"))),
    ("concept.display_name", remember(concept=resources.Concept(display_name="<<bo>>"))),
    ("concept.display_name", remember(concept=resources.Concept(display_name="<users/me>"))),
    ("concept.display_name", remember(concept=resources.Concept(display_name="b" * 65))),
    ("concept.display_name", remember(concept=resources.Concept(display_name="users/me"))),
    (
        "concept.description",
        remember(concept=resources.Concept(display_name="bo", description="d" * 2001)),
    ),
    ("views", remember(views=[])),
    ("views", remember(views=[resources.NewView(photo=PHOTO)] * 17)),
    ("views.photo", remember(views=[resources.NewView()])),
    ("views.photo.data", remember(views=[resources.NewView(photo=common.Image())])),
    (
        "views.photo.data",
        remember(views=[resources.NewView(photo=common.Image(data=bytes(20 * 2**20 + 1)))]),
    ),
    ("request_id", remember(request_id="again")),
    ("", common.Box(x1=5, y1=1, x2=5, y2=9)),
    ("x1", common.Box(x1=-1, y1=1, x2=5, y2=9)),
    ("x2", common.Box(x1=1, y1=1, x2=float("inf"), y2=9)),
    ("y1", common.Box(x1=1, y1=float("nan"), x2=5, y2=9)),
    ("name", memory.GetConceptRequest(name="bo")),
    ("name", memory.GetConceptRequest(name=VIEW)),
    ("name", memory.GetConceptRequest(name="users/me/concepts/../../x")),
    ("name", memory.GetViewRequest(name=BO)),
    ("page_size", memory.ListConceptsRequest(parent=ME, page_size=1001)),
    ("page_size", memory.ListConceptsRequest(parent=ME, page_size=-1)),
    ("concept", memory.UpdateConceptRequest(concept=resources.Concept(category="dog"))),
    ("concept.name", memory.UpdateConceptRequest(concept=resources.Concept(name="bo"))),
    (
        "update_mask",
        memory.UpdateConceptRequest(
            concept=resources.Concept(name=BO), update_mask=FieldMask(paths=["name"])
        ),
    ),
    ("views", memory.RemoveViewsRequest(name=BO, views=[VIEW, VIEW])),
    ("piece", transfer.ImportMemoryRequest()),
    ("chunk", transfer.ImportMemoryRequest(chunk=bytes(2**20 + 1))),
    ("format", transfer.ExportMemoryRequest(parent=ME)),
    ("format", transfer.ExportMemoryRequest(parent=ME, format=9)),  # type: ignore[arg-type]
    ("images", query.RetrieveRequest(parent=ME, images=[PHOTO] * 17)),
    ("concepts", query.RecognizeRequest(parent=ME, image=PHOTO)),
    ("concepts", query.RecognizeRequest(parent=ME, image=PHOTO, concepts=["bo", "bo"])),
    ("concepts", query.RecognizeRequest(parent=ME, image=PHOTO, concepts=[""])),
    ("turns", query.GenerateRequest(parent=ME)),
    ("turns", ask(*[said(common.ROLE_USER)] * 65)),
    ("turns", ask(said(common.ROLE_USER), said(common.ROLE_ASSISTANT))),
    ("turns", ask(*[said(common.ROLE_USER, *[common.Part(image=PHOTO)] * 9)] * 2)),
    ("turns.role", ask(said(common.ROLE_UNSPECIFIED), said(common.ROLE_USER))),
    ("turns.parts", ask(common.Turn(role=common.ROLE_USER))),
    ("turns.parts.content", ask(said(common.ROLE_USER, common.Part()))),
    ("turns.parts.text", ask(said(common.ROLE_USER, common.Part(text="t" * 8001)))),
    ("limits.max_tokens", ask(limits=common.Limits(max_tokens=0))),
    ("limits.temperature", ask(limits=common.Limits(temperature=-0.1))),
    ("limits.stop", ask(limits=common.Limits(stop=list("abcde")))),
    ("categories", detection.DetectRequest(image=PHOTO, categories=[""])),
    ("texts", embedding.EmbedTextsRequest()),
    (
        "cache_key",
        generation.GenerationGenerateRequest(turns=[said(common.ROLE_USER)], cache_key=bytes(65)),
    ),
    ("dataset_id", dataset(dataset_id="First")),
    ("dataset_id", dataset(dataset_id="../etc")),
    ("engine", dataset(engine=datagen.ENGINE_UNSPECIFIED)),
    ("shard", dataset(shard=common.Shard(index=3, count=3))),
    ("hint", datagen.MakeMaskRequest(image=PHOTO)),
    ("methods", evaluate(methods=[])),
    ("memory_sizes", evaluate(memory_sizes=[0])),
]


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message.DESCRIPTOR.name)
def test_a_good_message_passes(message: Message) -> None:
    assert protovalidate.collect_violations(message) == []


@pytest.mark.parametrize(
    ("field", "message"), BAD, ids=[f"{m.DESCRIPTOR.name}-{field}" for field, m in BAD]
)
def test_a_bad_message_is_refused_at_its_field(field: str, message: Message) -> None:
    assert field in {path(violation) for violation in protovalidate.collect_violations(message)}


def path(violation: protovalidate.Violation) -> str:
    """Where a violation is, as in ``views.photo``; empty for a message as a whole."""
    where = violation.proto.field
    return ".".join(element.field_name for element in where.elements) if where else ""
