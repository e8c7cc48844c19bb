"""Where requests may come from, how large they may be, and what browsers are told."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPResponse

import httpx
import pytest

from services.assistant.background import in_background
from services.gateway import bodies
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from tests.gateway.world import BO, BODIES, Gateway, begun, gateway_to, photo, wait_until

OURS = "https://chat.example"


@pytest.fixture(scope="module")
def shared(gateway: Gateway) -> Iterator[httpx.Client]:
    """A gateway with a small limit that another page may call, under another name too."""
    options = {"origins": (OURS,), "hosts": ("kith.example",), "max_message_mib": 1}
    with (
        in_background(lambda: gateway_to(gateway.address, **options)) as url,
        httpx.Client(base_url=url) as client,
    ):
        yield client


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[evil"])
def test_a_strangers_page_is_refused(http: httpx.Client, origin: str) -> None:
    for path in ("/v1/concepts", "/mcp", "/", "/v1/models"):
        answer = http.get(path, headers={"Origin": origin})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_the_gateways_own_page_may_call_it(http: httpx.Client, gateway: Gateway) -> None:
    answer = http.get("/v1/concepts", headers={"Origin": gateway.url})
    assert answer.status_code == 200


def test_a_name_that_is_not_the_gateways_is_refused(http: httpx.Client) -> None:
    # A stranger's name may be made to lead to this address, and then its page is of one origin.
    for host in ("evil.example", "127.0.0.1.evil.example", "", "[", "evil.example:7460"):
        headers = {"Host": host, "Origin": f"http://{host}"}
        assert http.get("/v1/concepts", headers=headers).status_code in (400, 421)
    for host in ("localhost", "127.0.0.1:1", "[::1]:9"):
        assert http.get("/v1/concepts", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("address", ["127.0.0.2", "localhost", "0.0.0.0", "::"])
async def test_wherever_it_listens_a_strangers_name_is_refused(address: str) -> None:
    app = httpx.ASGITransport(create_app(GatewaySettings(host=address)))
    async with httpx.AsyncClient(transport=app, base_url="http://evil.example") as client:
        refused = await client.get("/docs")
        assert refused.status_code == 421
        assert "KITH_HOSTS" in refused.text
        # A name can be made to lead here, but an address can't.
        for host in ("localhost:7460", "192.0.2.7:7460", "[2001:db8::7]"):
            assert (await client.get("/docs", headers={"Host": host})).status_code == 200


async def test_its_own_name_is_among_those_it_may_be_called_by() -> None:
    app = httpx.ASGITransport(create_app(GatewaySettings(host="kith.example")))
    async with httpx.AsyncClient(transport=app, base_url="http://kith.example:7460") as client:
        assert (await client.get("/docs")).status_code == 200


def test_operators_may_ask_by_any_name(shared: httpx.Client) -> None:
    for path in ("/healthz", "/readyz"):
        for host in ("127.0.0.1", "pod-7.example"):
            assert shared.get(path, headers={"Host": host}).status_code == 200


def test_pages_and_names_that_an_operator_allows_are_let_in(shared: httpx.Client) -> None:
    asking = {
        "Origin": OURS,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = shared.options("/v1/chat/completions", headers=asking)
    assert allowed.headers["access-control-allow-origin"] == OURS
    assert "authorization" in allowed.headers["access-control-allow-headers"]
    answer = shared.get("/docs", headers={"Origin": OURS, "Host": "kith.example"})
    assert answer.headers["access-control-allow-origin"] == OURS
    assert shared.get("/docs", headers={"Host": "localhost"}).status_code == 200
    assert shared.get("/docs", headers={"Host": "else.example"}).status_code == 421


def test_a_body_beyond_the_limit_is_cut_off(shared: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 2**16

    headers = {"Content-Type": "application/json"}
    for path, content in (
        ("/v1/retrieve", b" " * (2**20 + 1)),
        ("/v1/retrieve", pieces()),
        ("/v1/uploads", pieces()),
        ("/v1/chat/completions", pieces()),
    ):
        answer = shared.post(path, content=content, headers=headers)
        assert answer.status_code == 413, path
        assert "smaller" in answer.json()["error"]["message"]


def test_a_gateway_that_is_busy_says_so_and_still_tells_how_it_is(gateway: Gateway) -> None:
    with (
        in_background(lambda: gateway_to(gateway.address, max_calls=1)) as url,
        httpx.Client(base_url=url) as client,
    ):
        with httpx.stream("GET", f"{url}/v1/watch") as watching:
            lines = watching.iter_lines()  # without a name it would end, and the watch with it
            next(lines)
            refused = client.get("/v1/concepts")
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert refused.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
            for path in ("/healthz", "/readyz"):
                assert client.get(path).status_code == 200
        wait_until(lambda: client.get("/v1/concepts").status_code == 200)


@pytest.mark.parametrize(("route", "kind"), BODIES)
def test_a_body_that_stops_coming_is_given_up(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, route: str, kind: str
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 0.2)
    with begun(gateway.url, route, kind) as connection:
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.status == 408
        told = json.loads(answer.read())["error"]
    assert told["message"] == "body: nothing more of it came for 0.2 s; send it again"


def test_bodies_that_stop_coming_keep_nobody_else_out(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 0.5)
    with (
        in_background(lambda: gateway_to(gateway.address, max_calls=2)) as url,
        httpx.Client(base_url=url) as client,
        ExitStack() as silent,
    ):
        for _ in range(2):
            silent.enter_context(begun(url, "POST /v1/retrieve", "application/json"))
        wait_until(lambda: client.get("/v1/concepts").status_code == 429)
        wait_until(lambda: client.get("/v1/concepts").status_code == 200)


def test_a_watcher_is_not_asked_for_a_body(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 0.01)
    with begun(gateway.url, "GET /v1/watch", "application/json") as connection:
        answer = HTTPResponse(connection)
        answer.begin()
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            answer.read()


def test_a_body_that_comes_slowly_is_waited_for(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 1.0)

    def pieces() -> Iterator[bytes]:
        data = photo(BO)
        for start in range(0, len(data), len(data) // 4):
            time.sleep(0.3)
            yield data[start : start + len(data) // 4]

    headers = {"Content-Type": "image/png"}
    assert http.post("/v1/uploads", content=pieces(), headers=headers).status_code == 201


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/concepts", "/nothing", "/static/nothing"])
def test_every_answer_tells_browsers_to_be_careful(http: httpx.Client, path: str) -> None:
    headers = http.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


def test_an_answer_bears_the_id_of_its_request(http: httpx.Client) -> None:
    assert (
        http.get("/healthz", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    )
    made = http.get("/healthz", headers={"X-Request-Id": "a b\tc"}).headers["x-request-id"]
    assert made.isalnum()


def test_no_file_outside_of_the_page_is_served(http: httpx.Client) -> None:
    names = ("../app.py", "..%2fapp.py", "%2e%2e/app.py", "/etc/passwd", ".")
    assert {http.get(f"/static/{name}").status_code for name in names} == {404}
