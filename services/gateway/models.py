"""The models that OpenAI's clients can choose from: one a method, and `none`, the plain model."""

from typing import Any, Final, NamedTuple

from fastapi import APIRouter

from kith.errors import NotFound
from kith.v1 import query_pb2
from services.gateway.assistant import Assistant
from services.gateway.rest import Call, Called

router = APIRouter(tags=["openai"])

PLAIN: Final = "none"


class Model(NamedTuple):
    """Who answers, and whether the memory may be drawn on."""

    assistant: Assistant
    is_plain: bool


async def offered(call: Call) -> dict[str, Model]:
    """All models, by the name a client gives; the one of the memory comes first."""
    own: query_pb2.Capabilities = await call.ask(
        "GetCapabilities", query_pb2.GetCapabilitiesRequest()
    )
    further = {name: Model(there, False) for name, there in call.gateway.assistants.items()}
    plain = {PLAIN: Model(call.gateway.assistant, True)}
    return {own.method: Model(call.gateway.assistant, False)} | further | plain


async def chosen(call: Call, name: str) -> Model:
    """The model of that name.

    Raises:
        NotFound: There is none.
    """
    models = await offered(call)
    if name not in models:
        raise NotFound(
            f"model: there is no {name[:80]!r}; take one of {', '.join(models)}",
            reason="MODEL_NOT_FOUND",
            field="model",
        )
    return models[name]


@router.get("/v1/models")
async def list_models(call: Called) -> dict[str, Any]:
    """The models that can be chosen for a chat."""
    return {"object": "list", "data": [_card(name) for name in await offered(call)]}


@router.get("/v1/models/{model}")
async def get_model(call: Called, model: str) -> dict[str, Any]:
    """One model."""
    await chosen(call, model)
    return _card(model)


def _card(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "kith"}
