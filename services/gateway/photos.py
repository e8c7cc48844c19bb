"""Photos as files: those uploaded for later requests, and those of the memory's views."""

import hashlib
from typing import Final

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import UploadFile

from kith.errors import InvalidInput
from kith.v1 import memory_pb2, query_pb2
from kith.verbs.calls import PARENT
from services.gateway.rest import Call, Called, ConceptId, ViewId

router = APIRouter(tags=["photos"])

_FILE: Final = {"type": "string", "format": "binary"}
_FORM: Final = {"type": "object", "properties": {"file": _FILE}, "required": ["file"]}
_STORED: Final = ("image/jpeg", "image/png")
_TYPES: Final = (*_STORED, "image/webp")

_UPLOADED: Final = {
    "type": "object",
    "properties": {
        "upload": {"type": "string"},
        "expires": {"type": "string", "format": "date-time"},
    },
    "required": ["upload", "expires"],
}


@router.post(
    "/v1/uploads",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": _FORM},
                **{kind: {"schema": _FILE} for kind in _TYPES},
            },
        }
    },
    responses={
        201: {"description": "Uploaded", "content": {"application/json": {"schema": _UPLOADED}}}
    },
)
async def upload(call: Called) -> Response:
    """Keep a photo for some minutes: `{"upload": "…"}` then stands for it in other requests."""
    # Nothing is kept for someone whom the assistant does not know.
    await call.ask("GetCapabilities", query_pb2.GetCapabilitiesRequest())
    kept = await call.gateway.uploads.keep(call.caller, await _photo(call))
    return JSONResponse({"upload": kept.handle, "expires": kept.expires.isoformat()}, 201)


@router.get(
    "/v1/concepts/{concept}/views/{view}/photo",
    responses={
        200: {"description": "The photo", "content": {kind: {"schema": _FILE} for kind in _STORED}},
        304: {"description": "The photo that the caller has already"},
    },
    response_class=Response,
)
async def photo(call: Called, concept: ConceptId, view: ViewId) -> Response:
    """The photo of a view."""
    name = f"{PARENT}/concepts/{concept}/views/{view}"
    found = await call.ask("GetView", memory_pb2.GetViewRequest(name=name))
    data: bytes = found.photo.data
    # A browser may keep it, but asks each time: what is forgotten must not be shown once more.
    headers = {
        "Cache-Control": "private, no-cache",
        "ETag": f'"{hashlib.sha256(data).hexdigest()[:32]}"',
        "Vary": "Authorization, Kith-User",
    }
    if call.request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=_media_type(data))


async def _photo(call: Call) -> bytes:
    """The first file of a form, or else the whole body."""
    if not call.request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await call.request.body()
    async with call.request.form(max_files=1, max_fields=8) as form:
        for part in form.values():
            if isinstance(part, UploadFile):
                return await part.read()
    raise InvalidInput(
        "file: there is none in the form; send one", reason="UPLOAD_EMPTY", field="file"
    )


def _media_type(data: bytes) -> str:
    return "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
