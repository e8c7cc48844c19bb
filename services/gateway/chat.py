"""Chats by OpenAI's API: the answer, whole or streamed, and the concepts it rests on."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from kith import replies
from kith.errors import KithError
from kith.v1 import common_pb2, query_pb2
from services.gateway import errors, observe
from services.gateway.chat_request import Chat, ChatRequest
from services.gateway.models import chosen
from services.gateway.rest import Called, as_json, require_json
from services.gateway.streaming import begun, unless_left
from services.runtime import hop

router = APIRouter(tags=["openai"])

Answers = AsyncGenerator[query_pb2.GenerateResponse, None]


@router.post("/v1/chat/completions", response_model=None, dependencies=[Depends(require_json)])
async def complete(call: Called, wanted: ChatRequest) -> Response:
    """Answer a chat, about photos or from the memory alone.

    The reply's `kith` object names the concepts it rests on. Pictures come as data URLs, or as
    `{"upload": "…"}`; no other address is ever fetched.
    """
    chat = await asyncio.to_thread(Chat, wanted, call.take_upload)
    model = await chosen(call, wanted.model)
    if model.is_plain or wanted.is_task:
        chat.request.given_concepts.SetInParent()  # none given: the memory is left alone
    answers = _told(chat, model.assistant.stream(call.caller, "Generate", chat.request))
    reply = _Reply(wanted.model, call.request)
    if wanted.stream:
        with_usage = wanted.stream_options is not None and wanted.stream_options.include_usage
        events = reply.events(await begun(call.request, answers), with_usage)
        # A proxy must hand on each piece at once.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)
    return JSONResponse(await unless_left(call.request, reply.whole(answers)))


class _Reply:
    """One answer in OpenAI's form."""

    def __init__(self, model: str, request: Request) -> None:
        self._request = request
        self._request_id = hop.current_request_id() or ""
        self._head = {
            "id": f"chatcmpl-{self._request_id}",
            "created": int(time.time()),
            "model": model,
        }

    async def whole(self, answers: Answers) -> dict[str, Any]:
        """The answer as one object."""
        said, end = "", query_pb2.GenerateEnd()
        async for answer in answers:
            said += answer.text
            end = answer.end if answer.HasField("end") else end
        message = {"role": "assistant", "content": said, "kith": self._kith(end)}
        choice = {"index": 0, "message": message, "finish_reason": _reason(end)}
        return self._head | {
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage(end),
        }

    async def events(self, answers: Answers, with_usage: bool) -> AsyncIterator[str]:
        """The answer as server-sent events."""
        async with aclosing(answers):
            try:
                yield self._chunk({"role": "assistant", "content": ""})
                async for answer in answers:
                    if answer.HasField("end"):
                        yield self._chunk({}, _reason(answer.end), kith=self._kith(answer.end))
                        if with_usage:
                            yield self._event(choices=[], usage=_usage(answer.end))
                    else:
                        yield self._chunk({"content": answer.text})
            except KithError as error:
                observe.failed(self._request, error)
                yield f"data: {json.dumps(errors.openai_body(error))}\n\n"
                return
        yield "data: [DONE]\n\n"

    def _chunk(self, delta: dict[str, str], reason: str | None = None, **more: object) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return self._event(choices=[choice], **more)

    def _event(self, **more: object) -> str:
        return f"data: {json.dumps(self._head | {'object': 'chat.completion.chunk'} | more)}\n\n"

    def _kith(self, end: query_pb2.GenerateEnd) -> dict[str, Any]:
        lost = replies.answer("", end).degradation
        return {
            "concepts": list(map(_used, end.concepts)),
            "degradation": lost and asdict(lost),
            "request_id": self._request_id,
        }


async def _told(chat: Chat, answers: Answers) -> Answers:
    """`answers`; a failure is told in the terms of OpenAI's API."""
    async with aclosing(answers):
        try:
            async for answer in answers:
                yield answer
        except KithError as error:
            chat.retell(error)
            raise


def _used(used: query_pb2.UsedConcept) -> dict[str, Any]:
    fields = as_json(used)
    box = fields.get("box")
    return {
        "concept": fields["concept"],
        "display_name": fields["display_name"],
        "view": fields["view"],
        "photo": f"/v1/{used.view.split('/', 2)[2]}/photo" if used.view else None,
        "image_index": fields.get("image_index"),
        "box": [box[side] for side in ("x1", "y1", "x2", "y2")] if box else None,
        "score": fields["score"],
    }


def _reason(end: query_pb2.GenerateEnd) -> str:
    return "length" if end.finish_reason == common_pb2.FINISH_REASON_LENGTH else "stop"


def _usage(end: query_pb2.GenerateEnd) -> dict[str, Any]:
    usage = end.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
