"""Chats with the official OpenAI client."""

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from kith.errors import InvalidInput, Overloaded, Unavailable
from tests.assistant.world import Thing
from tests.gateway.world import (
    BO,
    Gateway,
    Talker,
    data_url,
    id_of,
    photo,
    remember,
    running,
    wait_until,
)

Client = Any
"""An `openai.OpenAI`, whose types leave no room for a message that is a plain dict."""


@pytest.fixture
def client(gateway: Gateway, user: str, parrot: Talker) -> Iterator[Client]:
    headers = {"Kith-User": user}
    with openai.OpenAI(
        base_url=f"{gateway.url}/v1", api_key="any", default_headers=headers, max_retries=0
    ) as made:
        yield made


def says(*parts: str | Thing, role: str = "user") -> dict[str, Any]:
    """A message of texts and photos."""
    content = [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image_url", "image_url": {"url": data_url(part)}}
        for part in parts
    ]
    return {"role": role, "content": content}


def kith_of(answer: Any) -> dict[str, Any]:  # noqa: ANN401 - of a completion or a chunk
    """The extra object of a reply."""
    found: dict[str, Any]
    found = (answer if answer.object.endswith("chunk") else answer.choices[0].message).kith
    return found


def asked_of(parrot: Talker) -> list[list[str]]:
    """What the language model was asked last, a list a turn, pictures as dots."""
    return [
        [part if isinstance(part, str) else "." for part in turn.parts] for turn in parrot.asked[-1]
    ]


def test_an_answer_names_the_concepts_it_rests_on(client: Client, http: httpx.Client) -> None:
    made = remember(http, "bo", BO)
    answer = client.chat.completions.create(model="kith", messages=[says("Who is it?", BO)])
    assert answer.choices[0].message.content == "A thing on black."
    assert answer.choices[0].finish_reason == "stop"
    (used,) = kith_of(answer)["concepts"]
    assert used["concept"] == made["name"]
    assert (used["display_name"], used["view"]) == ("bo", made["views"][0]["name"])
    assert (used["image_index"], used["box"]) == (0, list(BO.box))
    assert used["score"] > 0.9
    assert http.get(used["photo"]).headers["content-type"] == "image/png"
    assert answer.usage
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 4)
    assert answer.usage.total_tokens == 11


def test_a_stream_comes_in_pieces_and_ends_with_the_concepts(
    client: Client, http: httpx.Client
) -> None:
    remember(http, "bo", BO)
    chunks = list(
        client.chat.completions.create(
            model="kith",
            messages=[says("Who is it?", BO)],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    *pieces, last, usage = chunks
    words = [piece.choices[0].delta.content for piece in pieces]
    assert words == ["", "A", " thing", " on", " black."]
    assert all(piece.choices[0].finish_reason is None for piece in pieces)
    assert last.choices[0].finish_reason == "stop"
    assert [used["display_name"] for used in kith_of(last)["concepts"]] == ["bo"]
    assert (usage.choices, usage.usage and usage.usage.total_tokens) == ([], 11)
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_stream_has_no_usage_unless_it_is_asked_for(client: Client) -> None:
    chunks = client.chat.completions.create(model="kith", messages=[says("Hi")], stream=True)
    assert [chunk.usage for chunk in chunks] == [None] * 6


def test_photos_of_earlier_turns_count(client: Client, http: httpx.Client, parrot: Talker) -> None:
    remember(http, "bo", BO)
    messages = [
        says("Look at this.", BO),
        {"role": "assistant", "content": "A dog."},
        says("What is it called?"),
    ]
    answer = client.chat.completions.create(model="kith", messages=messages)
    assert [used["display_name"] for used in kith_of(answer)["concepts"]] == ["bo"]
    assert [turn.role for turn in parrot.asked[-1]] == ["user", "assistant", "user"]


def test_what_is_remembered_meanwhile_is_known_in_the_next_answer(
    client: Client, http: httpx.Client
) -> None:
    ask = {"model": "kith", "messages": [says("Who is it?", BO)]}
    assert kith_of(client.chat.completions.create(**ask))["concepts"] == []
    made = remember(http, "bo", BO)
    assert len(kith_of(client.chat.completions.create(**ask))["concepts"]) == 1
    http.delete(f"/v1/concepts/{id_of(made)}")
    assert kith_of(client.chat.completions.create(**ask))["concepts"] == []


def test_a_photo_may_be_named_by_its_upload(client: Client, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    http.headers["Authorization"] = "Bearer any"  # a handle is for the credential that got it
    handle = http.post("/v1/uploads", files={"file": photo(BO)}).json()["upload"]
    part = {"type": "image_url", "image_url": {"upload": handle}}
    answer = client.chat.completions.create(
        model="kith",
        messages=[{"role": "user", "content": [part, {"type": "text", "text": "Who?"}]}],
    )
    assert [used["display_name"] for used in kith_of(answer)["concepts"]] == ["bo"]


def test_limits_reach_the_model(client: Client, parrot: Talker) -> None:
    client.chat.completions.create(
        model="kith", messages=[says("Hi")], max_tokens=9, temperature=0.5, stop="."
    )
    client.chat.completions.create(
        model="kith", messages=[says("Hi")], max_completion_tokens=100_000, stop=["a", "b"]
    )
    client.chat.completions.create(model="kith", messages=[says("Hi")])
    limits = [(one.max_tokens, one.temperature, one.stop) for one in parrot.limits]
    assert limits == [(9, 0.5, (".",)), (4096, 0.0, ("a", "b")), (128, 0.0, ())]


def test_instructions_stand_before_what_the_user_says(client: Client, parrot: Talker) -> None:
    client.chat.completions.create(
        model="none", messages=[{"role": "system", "content": "Be brief."}, says("Who is it?", BO)]
    )
    assert asked_of(parrot) == [[".", "\nBe brief.\nWho is it?"]]


def test_the_plain_model_knows_nobody(client: Client, http: httpx.Client, parrot: Talker) -> None:
    remember(http, "bo", BO)
    answer = client.chat.completions.create(model="none", messages=[says("Is <bo> here?", BO)])
    assert kith_of(answer)["concepts"] == []
    assert asked_of(parrot) == [[".", "\nIs <bo> here?"]]


def test_a_front_ends_own_prompt_leaves_the_memory_alone(
    client: Client, http: httpx.Client, gateway: Gateway, parrot: Talker
) -> None:
    remember(http, "bo", BO)
    looked = len(gateway.detector.asked)
    title = (
        "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat history."
        "\n### Chat History:\n<chat_history>\nUSER: Is <bo> here?\n</chat_history>"
    )
    answer = client.chat.completions.create(model="kith", messages=[says(title, BO)])
    assert kith_of(answer)["concepts"] == []
    assert len(gateway.detector.asked) == looked
    assert asked_of(parrot) == [[".", f"\n{title}"]]
    assert len(http.get("/v1/concepts").json()["concepts"]) == 1


def test_every_method_is_a_model(client: Client) -> None:
    assert [model.id for model in client.models.list()] == ["kith", "none"]
    assert client.models.retrieve("none").owned_by == "kith"
    with pytest.raises(openai.NotFoundError, match="take one of kith, none"):
        client.models.retrieve("gpt-4o")


def test_further_assistants_are_further_models(
    gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rap = tmp_path_factory.mktemp("rap")
    with (
        running(rap, by="rap", assistants={"kith": gateway.address}) as both,
        openai.OpenAI(base_url=f"{both.url}/v1", api_key="any", max_retries=0) as opened,
    ):
        client: Client = opened
        assert [model.id for model in client.models.list()] == ["rap", "kith", "none"]
        for name, parrot in (("rap", both.parrot), ("kith", gateway.parrot)):
            before = len(parrot.asked)
            client.chat.completions.create(model=name, messages=[says("Hi")])
            assert len(parrot.asked) == before + 1
        client.chat.completions.create(model="none", messages=[says("Who?", BO)])
        assert asked_of(both.parrot) == [[".", "\nWho?"]]


def test_an_unknown_model_is_refused(client: Client) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="gpt-4o", messages=[says("Hi")])
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages[0].role"),
        ({"messages": [says("Hi", role="assistant")]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0]",
        ),
        ({"max_tokens": 0}, "max_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
    ],
)
def test_what_kith_can_not_do_is_refused_by_name(
    client: Client, change: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**{"model": "kith", "messages": [says("Hi")], **change})
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"
    assert param in refused.value.message


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"n": 2}, "n: 2 is not supported; leave it out"),
        ({"temperature": 3}, "temperature: Input should be less than or equal to 2, not 3"),
        (
            {"messages": [says(*["Hi"] * 65)]},
            "messages[0].content: ",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": "https://a.example/b.png"}],
                    }
                ]
            },
            "messages[0].content[0].image_url: 'https://a.example/b.png' is no object; send "
            '{"url": "data:image/…;base64,…"}',
        ),
    ],
)
def test_a_refusal_names_the_place_the_value_and_what_to_do(
    client: Client, change: dict[str, Any], what: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**{"model": "kith", "messages": [says("Hi")], **change})
    said = refused.value.body["message"]  # type: ignore[index]
    assert said.startswith(what)
    assert "parts" not in said


@pytest.mark.parametrize(
    ("text", "stop", "param"),
    [(r"\ud800", "x", "messages[0].content[0].text"), ("Hi", r"\ud800", "stop[0]")],
)
def test_half_a_character_is_refused_by_its_place(
    http: httpx.Client, text: str, stop: str, param: str
) -> None:
    message = f'{{"role": "user", "content": "{text}"}}'
    body = f'{{"model": "kith", "stop": "{stop}", "messages": [{message}]}}'
    headers = {"Content-Type": "application/json"}
    answer = http.post("/v1/chat/completions", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_what_clients_always_send_is_let_through(client: Client) -> None:
    answer = client.chat.completions.create(
        model="kith",
        messages=[says("Hi")],
        n=1,
        tools=[],
        tool_choice="none",
        response_format={"type": "text"},
        logit_bias={},
        top_p=0.9,
        presence_penalty=0,
        frequency_penalty=0,
        seed=1,
        user="somebody",
        extra_body={"chat_id": "1"},
    )
    assert answer.choices[0].message.content


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("https://example.org/cat.png", "never fetched"),
        ("file:///etc/passwd", "data:image"),
        ("data:text/html;base64,AAAA", "data:image"),
        ("data:image/png;base64,%%%", "base64"),
        ("data:image/png;base64,AAAA", "not an image"),
        (data_url(BO)[:-40], "damaged"),
    ],
)
def test_a_picture_that_is_none_is_refused_by_its_place(
    client: Client, url: str, what: str
) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    messages = [
        {"role": "system", "content": ""},
        says("Hi"),
        {"role": "assistant", "content": None},
        {"role": "user", "content": [{"type": "text", "text": "Who?"}, part]},
    ]
    with pytest.raises(openai.BadRequestError, match=what) as refused:
        client.chat.completions.create(model="kith", messages=messages)
    assert str(refused.value.param).startswith("messages[3].content[1]")
    assert "messages[3].content[1]" in refused.value.message


def test_failures_have_the_type_clients_look_for(client: Client, parrot: Talker) -> None:
    ask = {"model": "kith", "messages": [says("Hi")]}
    parrot.error = Overloaded("busy; try later", reason="QUEUE_FULL", retry_after_s=7)
    with pytest.raises(openai.RateLimitError) as refused:
        client.chat.completions.create(**ask)
    assert refused.value.response.headers["retry-after"] == "7"
    parrot.error = Unavailable("gone", reason="SERVICE_UNREACHABLE")
    with pytest.raises(openai.InternalServerError) as failed:
        client.chat.completions.create(**ask, stream=True)
    assert failed.value.status_code == 503
    parrot.error = InvalidInput("turns: too long", reason="PROMPT_TOO_LONG", field="turns")
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(**ask)
    assert (long.value.param, long.value.code) == ("messages", "prompt_too_long")
    assert long.value.message.endswith("messages: too long")


def test_an_answer_that_had_to_do_without_the_photos_says_so(
    client: Client, http: httpx.Client, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(http, "bo", BO)

    async def away(*_: object) -> None:
        raise Unavailable("detection: gone", reason="SERVICE_UNREACHABLE")

    monkeypatch.setattr(gateway.detector, "detect", away)
    answer = client.chat.completions.create(model="kith", messages=[says("Is <bo> here?", BO)])
    told = kith_of(answer)
    assert [used["display_name"] for used in told["concepts"]] == ["bo"]
    assert told["concepts"][0]["box"] is None
    assert told["degradation"]["loss"] == "photos"
    assert told["degradation"]["reason"] == "SERVICE_UNREACHABLE"


def test_a_stream_that_breaks_says_so(client: Client, parrot: Talker) -> None:
    parrot.breaks = Unavailable("the engine went away", reason="SERVICE_UNREACHABLE")
    stream = client.chat.completions.create(model="kith", messages=[says("Hi")], stream=True)
    with pytest.raises(openai.APIError, match="the engine went away"):
        list(stream)


def test_who_leaves_a_stream_stops_the_model(http: httpx.Client, parrot: Talker) -> None:
    parrot.says, parrot.pause_s = "word " * 1000, 0.1
    ask = {"model": "kith", "stream": True, "messages": [says("Hi")]}
    with http.stream("POST", "/v1/chat/completions", json=ask) as answer:
        lines = answer.iter_lines()
        assert "word" in [next(lines) for _ in range(5)][-1]
    wait_until(lambda: parrot.closed)


@pytest.mark.parametrize("stream", [True, False])
def test_who_does_not_wait_for_the_answer_stops_the_model(
    http: httpx.Client, parrot: Talker, stream: bool
) -> None:
    ask = {"model": "kith", "stream": stream, "messages": [says("Hi")]}
    http.post("/v1/chat/completions", json=ask)  # after which nothing has to be opened first
    parrot.closed, parrot.asked = False, []
    parrot.says, parrot.pause_s = "word " * 1000, 60 if stream else 0.1
    with pytest.raises(httpx.ReadTimeout):
        http.post("/v1/chat/completions", json=ask, timeout=1)
    # A machine that is busy may not even have begun.
    wait_until(lambda: parrot.closed or not parrot.asked)
