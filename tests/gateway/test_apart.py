"""Two users of one gateway never meet, whatever id of the other one of them sends."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.gateway.world import (
    BO,
    CUP,
    Gateway,
    box_of,
    data_url,
    id_of,
    photo,
    picture,
    remember,
    wish,
)

VIEW = {"photo": picture(BO), "box": box_of(BO)}
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("patch", "/v1/concepts/{concept}"): {"description": "mine now"},
    ("post", "/v1/concepts/{concept}/views"): {"views": [VIEW]},
    ("post", "/v1/concepts/{concept}:reject"): VIEW,
}
UNKNOWN = "01a20000-0000-7000-8000-000000000000"


class Pair(NamedTuple):
    """Ana has a concept and an upload; Bob has a concept and wants hers."""

    ana: httpx.Client
    bob: httpx.Client
    theirs: dict[str, Any]
    own: dict[str, Any]
    upload: str


@pytest.fixture
def pair(gateway: Gateway, user: str) -> Iterator[Pair]:
    with gateway.client(f"{user}-ana") as ana, gateway.client(f"{user}-bob") as bob:
        upload = ana.post("/v1/uploads", files={"file": photo(BO)}).json()["upload"]
        yield Pair(ana, bob, remember(ana, "bo", BO), remember(bob, "cup", CUP), upload)


def operations(http: httpx.Client) -> Iterator[tuple[str, str]]:
    for path, verbs in http.get("/openapi.json").json()["paths"].items():
        for verb in verbs:
            if "{concept}" in path:
                yield verb, path


def test_every_route_answers_the_others_ids_as_if_there_were_none(pair: Pair) -> None:
    theirs, their_view = id_of(pair.theirs), id_of(pair.theirs["views"][0])
    own = id_of(pair.own)
    tried = 0
    for verb, path in operations(pair.bob):
        mixed = [(own, their_view)] if "{view}" in path else []
        for concept, view in ((theirs, their_view), *mixed):
            answers = []
            for ids in ((concept, view), (concept if concept == own else UNKNOWN, UNKNOWN)):
                url = path.format(concept=ids[0], view=ids[1])
                answer = pair.bob.request(verb.upper(), url, json=BODIES.get((verb, path)))
                assert answer.status_code == 404, (verb, url, answer.text)
                text = answer.text.replace(ids[0], "ID").replace(ids[1], "ID")
                answers.append(text)
            assert answers[0] == answers[1], "the answer tells that it is there"
            tried += 1
    assert tried == 10
    assert pair.ana.get(f"/v1/concepts/{theirs}").json() == pair.theirs


def test_names_and_handles_in_a_body_are_the_callers_own(pair: Pair) -> None:
    name = pair.theirs["name"]
    parent = name.rpartition("/concepts")[0]
    upload = {"upload": pair.upload}
    part = {"type": "image_url", "image_url": upload}
    for path, body in (
        ("/v1/recognize", {"image": picture(BO), "concepts": [name]}),
        ("/v1/recognize", {"image": upload, "concepts": ["cup"]}),
        ("/v1/recognize", {"image": picture(BO), "concepts": ["cup"], "parent": parent}),
        ("/v1/retrieve", {"images": [picture(BO)], "parent": parent}),
        ("/v1/retrieve", {"images": [upload]}),
        ("/v1/concepts", wish("rex", BO, parent=parent)),
        ("/v1/concepts:check", wish("rex", BO, parent=parent)),
        ("/v1/concepts", wish("rex", BO) | {"views": [{"photo": upload}]}),
        (
            "/v1/chat/completions",
            {"model": "kith", "messages": [{"role": "user", "content": [part]}]},
        ),
    ):
        answer = pair.bob.post(path, json=body)
        assert answer.status_code == 404, (path, answer.text)
    assert pair.bob.get("/v1/concepts", params={"parent": parent}).status_code == 404
    assert pair.bob.get("/v1/watch", params={"parent": parent}).status_code == 404


def test_nothing_of_the_other_is_found_or_told(pair: Pair) -> None:
    (listed,) = pair.bob.get("/v1/concepts").json()["concepts"]
    assert listed["name"] == pair.own["name"]
    (found,) = pair.bob.post("/v1/retrieve", json={"images": [picture(BO)]}).json()["retrievals"]
    assert found["accepted"] == []
    ask = [{"type": "image_url", "image_url": {"url": data_url(BO)}}]
    answer = pair.bob.post(
        "/v1/chat/completions",
        json={"model": "kith", "messages": [{"role": "user", "content": ask}]},
    )
    assert answer.json()["choices"][0]["message"]["kith"]["concepts"] == []
    alike = pair.bob.post("/v1/concepts:check", json=wish("rex", BO)).json()
    assert alike["similar_concepts"] == []
