"""Calls for training material (`datagen.proto`)."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from PIL.Image import Image

from datagen.pictures import open_picture, png
from datagen.service.material import Material
from datagen.via import Point, Prompt
from kith.errors import InvalidInput
from kith.v1 import common_pb2, datagen_pb2
from services.runtime.wire import read_box, read_image, read_images, write_image

Context = grpc.aio.ServicerContext[Any, Any]


class MaterialCalls:
    """See `kith.v1.Datagen`."""

    material: Material

    async def MineNegatives(
        self, request: datagen_pb2.MineNegativesRequest, context: Context
    ) -> AsyncIterator[datagen_pb2.MineNegativesResponse]:
        views = await read_images(
            {f"views[{number}]": view for number, view in enumerate(request.views)}
        )
        mined = await self.material.negatives(views, request.category, request.count)
        for one in mined.negatives:
            picture = await asyncio.to_thread(open_picture, one.file, "pool")
            yield datagen_pb2.MineNegativesResponse(
                image=await write_image(picture), similarity=one.similarity, pool=one.pool.name
            )

    async def MakeMask(
        self, request: datagen_pb2.MakeMaskRequest, context: Context
    ) -> datagen_pb2.MakeMaskResponse:
        picture = await read_image(request.image, field="image")
        prompt = _prompt(request, picture)
        outline = await self.material.outline(picture, prompt)
        if not outline.mask.any():
            raise InvalidInput(
                "image: SAM finds nothing there; send more points, or another box",
                reason="MASK_EMPTY",
                field="image",
            )
        file = await asyncio.to_thread(png, outline.mask)
        return datagen_pb2.MakeMaskResponse(mask=common_pb2.Image(data=file), score=outline.score)


def _prompt(request: datagen_pb2.MakeMaskRequest, picture: Image) -> Prompt:
    """Where the thing is, once that is known to lie in the photo."""
    if request.HasField("box"):
        box = read_box(request.box)
        _require_within(picture, "box", [box[:2], box[2:]])
        return Prompt(box, ())
    points = tuple(Point(p.x, p.y, not p.outside) for p in request.points.points)
    _require_within(picture, "points", [(p.x, p.y) for p in points])
    if not any(point.inside for point in points):
        raise InvalidInput(
            "points: all lie beside the thing; add one that is on it",
            reason="POINTS_OUTSIDE",
            field="points",
        )
    return Prompt(None, points)


def _require_within(picture: Image, field: str, places: list[tuple[float, float]]) -> None:
    for x, y in places:
        if x > picture.width or y > picture.height:
            raise InvalidInput(
                f"{field}: {x:g}, {y:g} lies beside the {picture.width} x {picture.height} pixels "
                "of the upright photo; correct it",
                reason="MARK_OUTSIDE",
                field=field,
            )
