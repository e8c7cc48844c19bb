"""Behind an assistant with tokens: the credential says who calls, and nothing else does."""

from collections.abc import Iterator

import openai
import pytest

from tests.gateway.world import BO, Gateway, photo, remember, running
from tests.tokens import write_tokens


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("guarded")
    tokens = write_tokens(folder / "tokens", ana="anas", bob="bobs")
    with running(folder / "memories", tokens_file=tokens) as started:
        yield started


def test_a_token_names_the_user(guarded: Gateway) -> None:
    with guarded.client(token="anas") as ana, guarded.client(token="bobs") as bob:
        assert remember(ana, "bo", BO)["name"].startswith("users/ana/")
        assert bob.get("/v1/concepts").json()["concepts"] == []


def test_a_name_without_a_token_is_not_believed(guarded: Gateway) -> None:
    with guarded.client(user="ana", token="bobs") as bob:
        assert bob.get("/v1/concepts").json()["concepts"] == []
    with guarded.client(user="ana") as nobody:
        answer = nobody.get("/v1/concepts")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("credential", ["Bearer wrong", "Basic YTpi", "Bearer", "Bearer \xe9", "x"])
def test_what_is_no_token_is_refused_on_every_route(guarded: Gateway, credential: str) -> None:
    with guarded.client() as nobody:
        nobody.headers = {"Authorization": credential.encode("latin-1")}
        asked = {"model": "kith", "messages": [{"role": "user", "content": "Hi"}]}
        for answer in (
            nobody.get("/v1/concepts"),
            nobody.get("/v1/watch"),
            nobody.get("/v1/models"),
            nobody.post("/v1/chat/completions", json=asked),
            nobody.post("/v1/uploads", files={"file": photo(BO)}),
        ):
            assert answer.status_code == 401, answer.text


def test_openais_client_sends_the_token_as_its_key(guarded: Gateway) -> None:
    with openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="bobs", max_retries=0) as client:
        assert client.models.list().data
    with (
        openai.OpenAI(base_url=f"{guarded.url}/v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.models.list()
    assert refused.value.code == "token_unknown"
