"""JSON that nobody would send: of a schema, or nearly; any at all; and what is none."""

import base64
import random
import struct
from functools import partial
from typing import Any

from tests.end_to_end.test_up import PICTURE
from tests.reliability.mutants import mutant
from tests.reliability.random_messages import WORDS


def of_schema(
    rng: random.Random, names: list[str], schema: dict[str, Any], whole: dict[str, Any]
) -> object:
    """A value that the schema allows, or nearly."""
    if rng.random() < 0.05:
        return anything(rng)
    if reference := schema.get("$ref"):
        schema = whole["$defs"][reference.rpartition("/")[2]]
    if choices := schema.get("anyOf"):
        schema = rng.choice(choices)
    inner = partial(of_schema, rng, names, whole=whole)
    match schema.get("type"):
        case "object":
            parts = schema.get("properties", {})
            needed = schema.get("required", [])
            return {
                name: _picture(rng, name) or inner(part)
                for name, part in parts.items()
                if name in needed or rng.random() < 0.4
            }
        case "array":
            return [inner(schema.get("items", {})) for _ in range(rng.choice((0, 1, 1, 4, 17)))]
        case "integer" | "number":
            return rng.choice((0, 1, -1, 0.5, 60, 2**31, 1e308))
        case "boolean":
            return rng.random() < 0.5
    return rng.choice(names if rng.random() < 0.6 else WORDS)


def _picture(rng: random.Random, argument: str) -> str:
    if argument != "data" or rng.random() < 0.2:
        return ""
    data = PICTURE.read_bytes() if rng.random() < 0.5 else mutant(rng.randrange(10**6))
    return base64.b64encode(data).decode()


def anything(rng: random.Random, depth: int = 0) -> object:
    """Any JSON."""
    if depth < 3 and rng.random() < 0.5:
        inner = [anything(rng, depth + 1) for _ in range(rng.randrange(4))]
        return inner if rng.random() < 0.4 else dict(zip(WORDS[1:], inner, strict=False))
    return rng.choice((*WORDS, None, True, 0, -1, 2**70, 1e300, 0.1))


def body(rng: random.Random, names: list[str]) -> object:
    """A body with the fields that routes know, and anything in them."""
    photo = {"data": base64.b64encode(PICTURE.read_bytes()).decode()}
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{photo['data']}"}}
    good: dict[str, list[object]] = {
        "images": [[photo], [photo] * 17],
        "image": [photo],
        "photo": [photo],
        "concepts": [names[:2]],
        "concept": [{"display_name": "bo"}, names[0]],
        "views": [[{"photo": photo, "box": {"x1": 1, "y1": 1, "x2": 9, "y2": 9}}]],
        "model": ["kith", "none"],
        "messages": [[{"role": "user", "content": [url, {"type": "text", "text": "Who?"}]}]],
        "max_tokens": [4],
        "stream": [True, False],
        "update_mask": ["category", "*"],
        "etag": [names[0]],
    }
    return {
        name: rng.choice(values) if rng.random() < 0.7 else anything(rng)
        for name, values in good.items()
        if rng.random() < 0.5
    }


def junk(rng: random.Random) -> bytes:
    """A body over HTTP that is almost JSON, or is not at all."""
    return rng.choice(
        (
            b"",
            b"{",
            b"[" * 5000,
            b'{"a":' * 3000,
            b"null",
            b"[]",
            b'"bo"',
            b"1e999",
            b"NaN",
            b'{"a": NaN, "b": 1e400}',
            b'{"\\ud800": "\\udfff"}',
            b"\xff\xfe{\x00}\x00",
            b'{"id": ' + b"9" * 5000 + b"}",
            rng.randbytes(200),
            struct.pack(">I", 2**31) + b"x",
        )
    )
