"""The calls of the contract that a method which trains answers in its own way."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import grpc
from google.longrunning import operations_pb2
from PIL.Image import Image

from kith.errors import InvalidInput, Refused
from kith.v1 import common_pb2, memory_pb2, query_pb2, resources_pb2
from services.assistant import concepts
from services.assistant.memory_calls import checked, read_photos
from services.assistant.regions import cut
from services.assistant.remember import Wish
from services.assistant.servicer import AssistantServicer
from services.assistant.views import Photo
from services.baselines.asking import Brought, keep
from services.baselines.pipeline import TrainedAssistant
from services.baselines.remember import check_wish, remember_and_train
from services.baselines.retrain import train
from services.runtime.identity import current_user
from services.runtime.weights import fingerprint_of
from services.runtime.wire import read_image, read_images

Context = grpc.aio.ServicerContext[Any, Any]


class TrainingServicer(AssistantServicer):
    """See `kith.v1.Assistant`."""

    assistant: TrainedAssistant

    async def Remember(
        self, request: memory_pb2.RememberRequest, context: Context
    ) -> operations_pb2.Operation:
        caller = await self.assistant.caller(request.parent)
        photos = await read_photos(request.views)
        wish = Wish(
            request.concept.display_name,
            request.concept.category,
            request.concept.description,
            photos,
            request.request_id,
            to_learn_from=True,
        )
        negatives = await _negatives(request.negatives)
        brought = await _brought(request.views, photos, negatives)
        asker = self.assistant.training_asker(caller)
        if request.validate_only:
            return checked(caller, request.concept, await check_wish(asker, wish, brought))
        job = await remember_and_train(asker, wish, brought)
        return await self.assistant.teller(caller).operation(job)

    async def TrainConcepts(
        self, request: memory_pb2.TrainConceptsRequest, context: Context
    ) -> operations_pb2.Operation:
        caller = await self.assistant.caller(request.parent)
        ids = [caller.names.concept_id(name) for name in request.concepts]
        job = await train(self.assistant.training_asker(caller), ids, request.request_id)
        return await self.assistant.teller(caller).operation(job)

    async def AddViews(
        self, request: memory_pb2.AddViewsRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        concept_id = caller.names.concept_id(request.name)
        before = await concepts.get(caller.store, concept_id)
        photos = await read_photos(request.views)
        brought = await _brought(request.views, photos, ())
        after = await concepts.add_views(
            self.assistant.stages,
            caller.store,
            concept_id,
            photos,
            request.etag,
            request.request_id,
            to_learn_from=True,
        )
        if new := [view for view in after.views if view not in before.views]:  # else a retry
            asker = self.assistant.training_asker(caller)
            await keep(asker, after, brought, new[-len(photos) :])
        return caller.write.concept(after)

    async def UpdateConcept(
        self, request: memory_pb2.UpdateConceptRequest, context: Context
    ) -> resources_pb2.Concept:
        new = request.concept
        described = "description" in request.update_mask.paths or (
            not request.update_mask.paths and new.description
        )
        if described and not self.assistant.method.capabilities.description:
            caller = await self.assistant.caller(new.name)
            await concepts.get(caller.store, caller.names.concept_id(new.name))
            raise Refused(
                f"concept.description: {self.assistant.method.name!r} knows a concept by its views "
                "alone; leave it out",
                reason="METHOD_HAS_NO_DESCRIPTION",
                field="concept.description",
            )
        return await super().UpdateConcept(request, context)

    async def GetCapabilities(
        self, request: query_pb2.GetCapabilitiesRequest, context: Context
    ) -> query_pb2.Capabilities:
        can = await super().GetCapabilities(request, context)
        if self.assistant.base is not None:
            fingerprint = await asyncio.to_thread(fingerprint_of, self.assistant.base)
            for model in can.models:
                if model.stage == "generation":
                    model.fingerprint = fingerprint
        return can

    async def Forget(
        self, request: memory_pb2.ForgetRequest, context: Context
    ) -> resources_pb2.Concept:
        forgotten = await super().Forget(request, context)
        concept_id = forgotten.name.split("/")[3]
        if job := self.assistant.trainings.open_with(current_user(), concept_id):
            with suppress(Refused):  # without its concept it ends by itself
                await self.assistant.trainings.cancel(job.user, job.id)
        return forgotten


async def _negatives(messages: Sequence[common_pb2.Image]) -> list[Image]:
    return await read_images(
        {f"negatives[{number}]": message for number, message in enumerate(messages)}
    )


async def _brought(
    views: Sequence[resources_pb2.NewView], photos: Sequence[Photo], negatives: Sequence[Image]
) -> Brought:
    masks = [await _mask(view, photo) for view, photo in zip(views, photos, strict=True)]
    return Brought([view.caption for view in views], masks, negatives)


async def _mask(view: resources_pb2.NewView, photo: Photo) -> Image | None:
    """The mask of a view, cut as the view is.

    Raises:
        InvalidInput: It is no picture, of another size than the photo, or all black.
    """
    if not view.HasField("mask"):
        return None
    field = f"{photo.field}.mask"
    mask = (await read_image(view.mask, field=field)).convert("L")
    if mask.size != photo.image.size:
        (w, h), (width, height) = mask.size, photo.image.size
        raise InvalidInput(
            f"{field}: {w} x {h} pixels, its photo has {width} x {height}; make them one size",
            reason="MASK_SIZE",
            field=field,
        )
    shown = cut(mask, photo.box) if photo.box else mask
    if not shown.getbbox():
        raise InvalidInput(
            f"{field}: nothing is white in it; white tells where the concept is",
            reason="MASK_EMPTY",
            field=field,
        )
    return shown
