"""Calls that ask the memory (`query.proto`)."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import asdict
from importlib import metadata
from typing import Any

import grpc

from kith.v1 import query_pb2
from services.assistant.generate import End, Question, generate
from services.assistant.pipeline import Assistant
from services.assistant.recognize import recognize
from services.assistant.retrieve import retrieve
from services.runtime.wire import read_image, read_images, read_limits, read_turns

Context = grpc.aio.ServicerContext[Any, Any]


class QuestionCalls:
    """See `kith.v1.Assistant`."""

    assistant: Assistant

    async def Retrieve(
        self, request: query_pb2.RetrieveRequest, context: Context
    ) -> query_pb2.RetrieveResponse:
        caller = await self.assistant.caller(request.parent)
        photos = await read_images(
            {f"images[{number}]": image for number, image in enumerate(request.images)}
        )
        found = await retrieve(self.assistant.method, self.assistant.stages, caller.store, photos)
        return query_pb2.RetrieveResponse(retrievals=map(caller.write.retrieval, found))

    async def Recognize(
        self, request: query_pb2.RecognizeRequest, context: Context
    ) -> query_pb2.RecognizeResponse:
        caller = await self.assistant.caller(request.parent)
        found = await recognize(
            self.assistant.method,
            self.assistant.stages,
            caller.store,
            await read_image(request.image, field="image"),
            [caller.names.id_or_display_name(word) for word in request.concepts],
        )
        return query_pb2.RecognizeResponse(recognitions=map(caller.write.recognition, found))

    async def Generate(
        self, request: query_pb2.GenerateRequest, context: Context
    ) -> AsyncIterator[query_pb2.GenerateResponse]:
        asker = self.assistant.asker(request.parent)
        given = None
        if request.HasField("given_concepts"):
            words = request.given_concepts.concepts
            given = [asker.names.id_or_display_name(word) for word in words]
        turns = await read_turns(request.turns, field="turns")
        question = Question(turns, read_limits(request.limits), given, asker.cache_key)
        answer = generate(self.assistant.method, self.assistant.stages, asker.open_store, question)
        async with aclosing(answer):
            async for piece in answer:
                if isinstance(piece, End):
                    yield query_pb2.GenerateResponse(end=asker.write.end(piece))
                else:
                    yield query_pb2.GenerateResponse(text=piece)

    async def GetCapabilities(
        self, request: query_pb2.GetCapabilitiesRequest, context: Context
    ) -> query_pb2.Capabilities:
        cards = self.assistant.stages.models
        prints = await asyncio.to_thread(lambda: [card.fingerprint() for card in cards])
        return query_pb2.Capabilities(
            **asdict(self.assistant.method.capabilities),
            models=[
                query_pb2.Model(stage=card.stage, name=card.name, fingerprint=fingerprint)
                for card, fingerprint in zip(cards, prints, strict=True)
            ],
            version=metadata.version("kith"),
        )
