"""REST on the memory."""

import base64
from typing import Any

import httpx
import pytest

from tests.assistant.world import Thing
from tests.gateway.world import BO, CUP, box_of, id_of, photo, picture, remember, wish


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"status", "reason", "message", "field"}
    return answer.status_code, error["reason"], error["field"]


def test_a_concept_lives_from_remember_to_unforget(http: httpx.Client) -> None:
    made = remember(http, "bo", BO)
    path = f"/v1/concepts/{id_of(made)}"
    assert http.get(path).json() == made
    assert [one["name"] for one in http.get("/v1/concepts").json()["concepts"]] == [made["name"]]
    edited = http.patch(path, json={"description": "<bo> sleeps.", "etag": made["etag"]}).json()
    assert (edited["description"], edited["category"]) == ("<bo> sleeps.", "dog")
    assert error_of(http.patch(path, json={"category": "cat", "etag": made["etag"]}))[0] == 409
    forgotten = http.delete(path).json()
    assert forgotten["state"] == "STATE_FORGOTTEN"
    assert forgotten["purge_time"]
    assert error_of(http.get(path))[0] == 404
    assert http.post(f"{path}:unforget").json()["state"] == "STATE_READY"


def test_a_word_is_cleared_by_giving_it_empty_and_kept_by_leaving_it_out(
    http: httpx.Client,
) -> None:
    made = remember(http, "bo", BO)
    edited = http.patch(f"/v1/concepts/{id_of(made)}", json={"description": ""}).json()
    assert (edited["display_name"], edited["description"]) == ("bo", "")


@pytest.mark.parametrize("name", ["display_name", "displayName"])
def test_a_field_may_have_either_of_protobufs_names(http: httpx.Client, name: str) -> None:
    path = f"/v1/concepts/{id_of(remember(http, 'bo', BO))}"
    edited = http.patch(path, json={"category": "cat", name: "rex"}).json()
    assert (edited["display_name"], edited["category"]) == ("rex", "cat")


def test_views_come_and_go_and_their_photos_are_files(http: httpx.Client) -> None:
    made = remember(http, "bo", BO)
    path = f"/v1/concepts/{id_of(made)}"
    other = BO._replace(looks=12)
    more = {"views": [{"photo": picture(other), "box": box_of(other)}]}
    added = http.post(f"{path}/views", json=more).json()
    assert len(added["views"]) == 2
    file = f"{path}/views/{id_of(added['views'][1])}/photo"
    answer = http.get(file)
    assert answer.headers["content-type"] == "image/png"
    assert "no-cache" in answer.headers["cache-control"]
    again = http.get(file, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    left = http.delete(f"{path}/views/{id_of(made['views'][0])}").json()
    assert [one["name"] for one in left["views"]] == [added["views"][1]["name"]]
    http.delete(path)
    gone = http.get(file, headers={"If-None-Match": answer.headers["etag"]})
    assert gone.status_code == 404


def test_a_rejection_is_heeded_by_the_very_next_question(http: httpx.Client) -> None:
    made = remember(http, "bo", BO)
    twin = BO._replace(looks=20)
    asked = {"images": [picture(twin)]}
    (found,) = http.post("/v1/retrieve", json=asked).json()["retrievals"]
    assert [one["display_name"] for one in found["accepted"]] == ["bo"]
    rejected = http.post(
        f"/v1/concepts/{id_of(made)}:reject",
        json={"photo": picture(twin), "box": found["accepted"][0]["box"]},
    )
    assert [one["negative"] for one in rejected.json()["views"]] == [False, True]
    (found,) = http.post("/v1/retrieve", json=asked).json()["retrievals"]
    assert found["accepted"] == []


def test_recognize_says_of_each_name_whether_it_is_there(http: httpx.Client) -> None:
    remember(http, "bo", BO)
    remember(http, "cup", CUP)
    asked = {"image": picture(CUP), "concepts": ["bo", "cup"]}
    found = http.post("/v1/recognize", json=asked).json()["recognitions"]
    assert [(one["display_name"], one["present"]) for one in found] == [
        ("bo", False),
        ("cup", True),
    ]
    assert found[1]["box"] == box_of(CUP)


def test_a_check_names_look_alikes_and_remembers_nothing(http: httpx.Client) -> None:
    made = remember(http, "bo", BO)
    alike = http.post("/v1/concepts:check", json=wish("rex", BO._replace(looks=11))).json()
    assert [one["concept"] for one in alike["similar_concepts"]] == [made["name"]]
    assert len(http.get("/v1/concepts").json()["concepts"]) == 1


def test_a_list_is_paged_and_filtered(http: httpx.Client) -> None:
    for name, thing in (("bo", BO), ("cup", CUP), ("rex", Thing("dog", 80))):
        remember(http, name, thing)
    first = http.get("/v1/concepts", params={"page_size": 2}).json()
    token = first["next_page_token"]
    rest = http.get("/v1/concepts", params={"page_size": 2, "page_token": token}).json()
    names = [one["display_name"] for one in (*first["concepts"], *rest["concepts"])]
    assert names == ["bo", "cup", "rex"]
    dogs = http.get("/v1/concepts", params={"category": "dog"}).json()["concepts"]
    assert [one["display_name"] for one in dogs] == ["bo", "rex"]
    http.delete(f"/v1/concepts/{id_of(dogs[0])}")
    both = http.get("/v1/concepts", params={"display_name": "bo", "show_deleted": "true"}).json()
    assert [one["state"] for one in both["concepts"]] == ["STATE_FORGOTTEN"]


def test_a_name_in_use_is_a_conflict(http: httpx.Client) -> None:
    remember(http, "bo", BO)
    answer = http.post("/v1/concepts", json=wish("bo", CUP))
    assert error_of(answer) == (409, "NAME_TAKEN", "display_name")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "FIELD_INVALID"),
        ({"concept": {"display_name": "bo"}, "views": []}, "FIELD_INVALID"),
        ({"concept": {"display_name": "bo"}, "wings": 2}, "BODY_INVALID"),
        ({"concept": "bo"}, "BODY_INVALID"),
        (wish("bo", BO) | {"views": [{"photo": {"data": "AAAA"}}]}, "NOT_AN_IMAGE"),
        (wish("bo", BO) | {"views": [{"photo": {"data": "%"}}]}, "NOT_BASE64"),
        (wish("bo", BO) | {"views": [{"photo": {"upload": "none"}}]}, "UPLOAD_NOT_FOUND"),
        (
            wish("bo", BO)
            | {"views": [{"photo": picture(BO), "box": {"x1": "NaN", "x2": 9, "y2": 9}}]},
            "FIELD_INVALID",
        ),
    ],
)
def test_a_broken_wish_is_refused_by_name(
    http: httpx.Client, body: dict[str, Any], reason: str
) -> None:
    answer = http.post("/v1/concepts", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["error"]["reason"] == reason


def test_a_photo_that_is_not_base64_is_named(http: httpx.Client) -> None:
    broken = wish("bo", BO) | {"views": [{"photo": picture(BO)}, {"photo": {"data": "!!!"}}]}
    error = http.post("/v1/concepts", json=broken).json()["error"]
    assert error["field"] == "views[1].photo.data"
    assert error["message"].startswith("views[1].photo.data: '!!!' is not base64;")
    lines = base64.encodebytes(photo(BO)).decode()  # as mail has it
    whole = wish("bo", BO) | {"views": [{"photo": {"data": lines}}]}
    assert http.post("/v1/concepts", json=whole).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff",
        b"[" * 100_000,
        b'{"images":' * 5_000 + b"1" + b"}" * 5_000,
        rb'{"parent": "users/\ud800"}',
        rb'{"\ud800": 1}',
        rb'{"images": ["\ud800"]}',
        b'{"parent": "users/\xed\xa0\x80"}',
    ],
)
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/retrieve", content=body, headers={"Content-Type": "application/json"})
    assert error_of(answer) == (400, "BODY_INVALID", "body")


def test_a_body_of_another_type_is_refused(http: httpx.Client) -> None:
    # A stranger's page may send plain text without asking first, and this is what stops it.
    answer = http.post("/v1/retrieve", content=b"{}", headers={"Content-Type": "text/plain"})
    assert error_of(answer) == (415, "MEDIA_TYPE_UNSUPPORTED", "content-type")


@pytest.mark.parametrize("id_", ["a%2Fb", "é", "x" * 65, "..%2F"])
def test_an_id_of_another_form_is_refused(http: httpx.Client, id_: str) -> None:
    assert http.get(f"/v1/concepts/{id_}").status_code in (400, 404)


def test_a_name_may_be_a_word_of_json(http: httpx.Client) -> None:
    remember(http, "true", BO)
    found = http.get("/v1/concepts", params={"display_name": "true"}).json()["concepts"]
    assert [one["display_name"] for one in found] == ["true"]


def test_an_unknown_parameter_is_refused(http: httpx.Client) -> None:
    answer = http.get("/v1/concepts?wings=2")
    assert error_of(answer) == (400, "PARAMETER_INVALID", "wings")
    assert "page_size" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["page_size=many", "pageSize=many", "show_deleted=perhaps"])
def test_a_value_that_does_not_fit_is_refused_by_its_parameter(
    http: httpx.Client, query: str
) -> None:
    name, _, value = query.partition("=")
    answer = http.get(f"/v1/concepts?{query}")
    assert error_of(answer) == (400, "PARAMETER_INVALID", name)
    assert answer.json()["error"]["message"].startswith(f"{name}: {value!r}")


def test_a_photo_may_come_from_an_upload(http: httpx.Client) -> None:
    handle = http.post("/v1/uploads", files={"file": photo(BO)}).json()["upload"]
    made = wish("bo", BO) | {"views": [{"photo": {"upload": handle}, "box": box_of(BO)}]}
    assert http.post("/v1/concepts", json=made).status_code == 200
    found = http.post("/v1/retrieve", json={"images": [{"upload": handle}]}).json()
    assert found["retrievals"][0]["accepted"][0]["display_name"] == "bo"
