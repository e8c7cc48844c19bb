"""Negatives and masks through the contract: a real embedding service, a tiny SAM."""

import io
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from datagen.masks import Outliner
from datagen.via import Point, Prompt
from kith.errors import InvalidInput, Refused, Unavailable
from kith.v1 import common_pb2, datagen_pb2
from services.embedding import servicer
from services.runtime import images
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.datagen.drawn import Counting, drawn, save
from tests.datagen.service.conftest import Serving
from tests.datagen.tiny_sam import write_sam


class MeanColour:
    """The embedder of `Counting`, as one is served."""

    name, dim = "mean colour", 3

    def __init__(self) -> None:
        self.counting = Counting()

    async def embed_images(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        return self.counting.embed(list(pictures))

    async def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise NotImplementedError


@pytest.fixture
async def embedding() -> AsyncIterator[tuple[MeanColour, str]]:
    embedder = MeanColour()
    settings = ServerSettings(port=0, grace_s=0)
    async with Server(settings, [servicer.service(embedder)]) as server:
        yield embedder, f"127.0.0.1:{server.port}"


def asks(**changes: Any) -> datagen_pb2.MineNegativesRequest:  # noqa: ANN401
    view = common_pb2.Image(data=images.encode(drawn(0)))
    return datagen_pb2.MineNegativesRequest(**({"views": [view], "count": 4} | changes))


async def test_negatives_come_by_likeness_and_no_copy_of_a_view_is_among_them(
    serving: Serving, tmp_path: Path, embedding: tuple[MeanColour, str]
) -> None:
    embedder, address = embedding
    for number in range(8):  # the first is a copy of the view
        save(drawn(number), tmp_path / "pool" / f"{number}.jpg")
        save(drawn(100 + number), tmp_path / "faces" / f"{number}.jpg")
    options = {
        "pool": tmp_path / "pool",
        "category_pools": {"person": tmp_path / "faces"},
        "embedding": address,
    }
    async with serving(draws=False, **options) as ann:
        found = await ann.stream("MineNegatives", asks())
        similarities = [one.similarity for one in found]
        assert (len(found), similarities) == (4, sorted(similarities, reverse=True))
        assert {one.pool for one in found} == {"pool"}
        assert images.decode(found[0].image.data, field="image").size == (96, 72)
        embedded = embedder.counting.pictures
        everything = await ann.stream("MineNegatives", asks(category="person", count=1000))
        assert {one.pool for one in everything} == {"pool", "faces"}
        assert len(everything) == 7 + 8
        assert embedder.counting.pictures == embedded + 1 + 8  # the pool once, and the view


async def test_a_pool_too_large_for_one_request_is_embedded_in_several(
    serving: Serving,
    tmp_path: Path,
    embedding: tuple[MeanColour, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(1, 8):
        save(drawn(number), tmp_path / "pool" / f"{number}.jpg")
    monkeypatch.setattr(images, "MAX_REQUEST_PIXELS", 3 * 96 * 72)
    async with serving(draws=False, pool=tmp_path / "pool", embedding=embedding[1]) as ann:
        assert len(await ann.stream("MineNegatives", asks(count=7))) == 7


async def test_what_a_service_lacks_it_says(serving: Serving, tmp_path: Path) -> None:
    save(drawn(1), tmp_path / "pool" / "1.jpg")
    async with serving(draws=False) as ann:
        with pytest.raises(Refused, match="KITH_POOL"):
            await ann.stream("MineNegatives", asks())
        with pytest.raises(Refused, match="KITH_SAM"):
            await ann.ask("MakeMask", mask_of(box=common_pb2.Box(x1=1, y1=1, x2=9, y2=9)))
    async with serving(draws=False, pool=tmp_path / "pool", embedding="127.0.0.1:1") as ann:
        with pytest.raises(Unavailable, match="embedding: the service does not answer"):
            await ann.stream("MineNegatives", asks())


def mask_of(**where: Any) -> datagen_pb2.MakeMaskRequest:  # noqa: ANN401
    picture = common_pb2.Image(data=images.encode(drawn(3)))
    return datagen_pb2.MakeMaskRequest(image=picture, **where)


async def test_a_mask_is_what_sam_draws_for_the_same_prompt(
    serving: Serving, tmp_path: Path
) -> None:
    sam = write_sam(tmp_path)
    marks = [Point(30, 40), Point(80, 10, inside=False)]
    points = [datagen_pb2.Point(x=p.x, y=p.y, outside=not p.inside) for p in marks]
    expected = Outliner(sam).outline(drawn(3), [Prompt(None, tuple(marks))])
    async with serving(draws=False, sam=sam) as ann:
        request = mask_of(points=datagen_pb2.Points(points=points))
        answer = await ann.ask("MakeMask", request)
        assert answer.score == pytest.approx(expected.score)
        with Image.open(io.BytesIO(answer.mask.data)) as mask:
            assert (mask.format, mask.mode, mask.size) == ("PNG", "L", (96, 72))
            assert (np.asarray(mask) == expected.mask * 255).all()
        for where, said in (
            ({"box": common_pb2.Box(x1=1, y1=1, x2=97, y2=9)}, "box: 97, 9 lies beside the 96"),
            ({"points": datagen_pb2.Points(points=points[1:])}, "points: all lie beside"),
        ):
            with pytest.raises(InvalidInput, match=said):
                await ann.ask("MakeMask", mask_of(**where))
