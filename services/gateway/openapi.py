"""The OpenAPI document: routes as FastAPI knows them, messages as the contract has them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from google.protobuf.message import Message

from services.gateway import schema
from services.gateway.schema import Schema

_ERROR: Final[Schema] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "status": {"type": "string", "examples": ["NOT_FOUND"]},
                "reason": {"type": "string", "examples": ["CONCEPT_NOT_FOUND"]},
                "message": {"type": "string"},
                "field": {"type": ["string", "null"]},
            },
            "required": ["status", "reason", "message", "field"],
        }
    },
    "required": ["error"],
}

_SCHEMES: Final[Schema] = {
    "token": {"type": "http", "scheme": "bearer"},
    "user": {
        "type": "apiKey",
        "in": "header",
        "name": "Kith-User",
        "description": "Names the user where the assistant has no tokens.",
    },
}


def takes(message: type[Message]) -> dict[str, Any]:
    """What a route with `message` as its body says of itself."""
    return takes_schema(schema.ref(message))


def takes_schema(body: Schema) -> dict[str, Any]:
    """What a route with such a body says of itself."""
    content = {"application/json": {"schema": body}}
    return {"requestBody": {"required": True, "content": content}}


def asks(message: type[Message], *names: str) -> dict[str, Any]:
    """What a route with fields of `message` in its query says of itself; all fields by default."""
    fields = schema.fields(message)
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": fields[name]}
            for name in names or fields
        ]
    }


def gives(message: type[Message]) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that answers with `message`."""
    content = {"application/json": {"schema": schema.ref(message)}}
    return {200: {"description": message.DESCRIPTOR.name, "content": content}}


def describe(app: FastAPI) -> None:
    """Makes `app` give the whole document; FastAPI wants it replaced like this."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(
                get_openapi(
                    title=app.title,
                    version=app.version,
                    summary=app.summary,
                    description=app.description,
                    routes=app.routes,
                )
            )
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    for operation in _operations(document):
        # FastAPI says how it refuses; here an error has one form, whoever refuses.
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = {
            "description": "What went wrong",
            "content": {"application/json": {"schema": {"$ref": schema.PREFIX + "Error"}}},
        }
    components = document.setdefault("components", {})
    components["securitySchemes"] = _SCHEMES
    document["security"] = [{}, *({name: []} for name in _SCHEMES)]
    known = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        known.pop(unused, None)
    known["Error"] = _ERROR
    while missing := set(_references(document)) - set(known):
        known |= {name: schema.of_name(name) for name in missing}
    components["schemas"] = dict(sorted(known.items()))
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _references(value: object) -> Iterator[str]:
    """The names of all schemas that `value` refers to."""
    if isinstance(value, dict):
        if isinstance(found := value.get("$ref"), str):
            yield found.removeprefix(schema.PREFIX)
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
