"""Over TLS a server proves who it is, and may ask its callers to do the same."""

import asyncio
import re
from pathlib import Path

import pytest

from kith import AsyncClient, Client
from kith.errors import InvalidInput, KithError, Refused, Unavailable
from services.runtime.calls import open_channel
from services.runtime.server import Server
from services.runtime.settings import CallerSettings, ServerSettings
from tests.runtime.certificates import Authority
from tests.runtime.echo import Echo, embedding_of, whoami


def authority(folder: Path) -> Authority:
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return authority(tmp_path / "theirs")


async def asked(server: Server, caller: CallerSettings | None) -> str:
    async with open_channel(f"127.0.0.1:{server.port}", caller) as channel:
        return await whoami(channel)


async def test_a_caller_that_knows_the_authority_is_served(
    ours: Authority, theirs: Authority
) -> None:
    cert, key = ours.pair("server")
    settings = ServerSettings(port=0, grace_s=0, tls_cert=cert, tls_key=key)
    async with Server(settings, [embedding_of(Echo())]) as server:
        assert await asked(server, CallerSettings(tls_ca=ours.cert)) == "me"
        for wrong in (CallerSettings(tls_ca=theirs.cert), None):
            with pytest.raises(Unavailable):
                await asked(server, wrong)


async def test_a_server_may_ask_its_callers_for_a_certificate(
    ours: Authority, theirs: Authority
) -> None:
    cert, key = ours.pair("server")
    settings = ServerSettings(
        port=0, grace_s=0, tls_cert=cert, tls_key=key, tls_client_ca=ours.cert
    )
    async with Server(settings, [embedding_of(Echo())]) as server:
        cert, key = ours.pair("assistant")
        known = CallerSettings(tls_ca=ours.cert, tls_cert=cert, tls_key=key)
        assert await asked(server, known) == "me"
        cert, key = theirs.pair("stranger")
        stranger = CallerSettings(tls_ca=ours.cert, tls_cert=cert, tls_key=key)
        for wrong in (stranger, CallerSettings(tls_ca=ours.cert)):
            with pytest.raises(Unavailable):
                await asked(server, wrong)


def test_certificates_that_can_not_work_stop_the_start(ours: Authority, tmp_path: Path) -> None:
    one, other = ours.pair("one"), ours.pair("other")
    for wrong, field in (
        ({"tls_cert": one.cert}, "tls_key"),
        ({"tls_key": one.key}, "tls_cert"),
        ({"tls_client_ca": ours.cert}, "tls_cert"),
        ({"tls_cert": one.cert, "tls_key": other.key}, "tls_cert"),
        ({"tls_cert": tmp_path / "none", "tls_key": one.key}, "tls_cert"),
        ({"tls_cert": one.cert, "tls_key": one.key, "tls_client_ca": one.key}, "tls_client_ca"),
    ):
        with pytest.raises(Refused, match=field) as refused:
            Server(ServerSettings(**wrong), [])  # type: ignore[arg-type]
        assert refused.value.field == field
    with pytest.raises(Refused, match="tls_ca"):
        open_channel("127.0.0.1:1", CallerSettings(tls_ca=tmp_path / "none"))


async def test_the_client_speaks_tls_to_a_server_that_does(
    ours: Authority, theirs: Authority
) -> None:
    cert, key = ours.pair("server")
    settings = ServerSettings(port=0, grace_s=0, tls_cert=cert, tls_key=key)
    async with Server(settings, []) as server:
        address = f"127.0.0.1:{server.port}"
        async with AsyncClient(address, tls_ca=ours.cert) as kith:
            with pytest.raises(KithError) as reached:  # it serves nothing, but says so itself
                await kith.capabilities()
        assert reached.value.reason == "METHOD_UNKNOWN"

        def ask(trusted: Path | None) -> None:
            with Client(address, tls_ca=trusted) as client:
                client.capabilities()

        with pytest.raises(KithError) as reached:
            await asyncio.to_thread(ask, ours.cert)
        assert reached.value.reason == "METHOD_UNKNOWN"
        for wrong in (theirs.cert, None):
            with pytest.raises(Unavailable):
                await asyncio.to_thread(ask, wrong)
    with pytest.raises(InvalidInput, match="tls_ca"):
        ask(ours.cert.with_name("none"))


async def told(address: str, **options: Path) -> str:
    """What is said of a call that reaches nobody."""
    async with AsyncClient(address, **options) as kith:
        with pytest.raises(Unavailable) as failed:
            await kith.capabilities()
    assert (failed.value.reason, failed.value.field) == ("RPC_UNAVAILABLE", "server")
    return str(failed.value)


async def test_a_failed_handshake_is_told_apart_from_nobody_there(
    ours: Authority, theirs: Authority
) -> None:
    cert, key = ours.pair("server")
    own = {"tls_cert": cert, "tls_key": key}
    failed = r"server: the secure connection to .*:\d+ failed; see tls_ca, tls_cert and tls_key"
    async with Server(ServerSettings(port=0, grace_s=0, **own), []) as server:
        address = f"127.0.0.1:{server.port}"
        assert re.fullmatch(failed, await told(address, tls_ca=theirs.cert))
        assert re.fullmatch(failed, await told(f"localhost:{server.port}", tls_ca=ours.cert))
        clear = await told(address)
        assert "if it speaks TLS, name tls_ca" in clear
    asking = ServerSettings(port=0, grace_s=0, tls_client_ca=ours.cert, **own)
    async with Server(asking, []) as server:
        assert re.fullmatch(failed, await told(f"127.0.0.1:{server.port}", tls_ca=ours.cert))
    async with Server(ServerSettings(port=0, grace_s=0), []) as server:
        address = f"127.0.0.1:{server.port}"
        assert re.fullmatch(failed, await told(address, tls_ca=ours.cert))
    for options in ({}, {"tls_ca": ours.cert}):
        assert "nobody answers at" in await told(address, **options)


async def test_the_client_shows_a_certificate_to_a_server_that_asks_for_one(
    ours: Authority, theirs: Authority
) -> None:
    cert, key = ours.pair("server")
    settings = ServerSettings(
        port=0, grace_s=0, tls_cert=cert, tls_key=key, tls_client_ca=ours.cert
    )
    me, stranger = ours.pair("me"), theirs.pair("stranger")
    async with Server(settings, []) as server:
        address = f"127.0.0.1:{server.port}"
        shown = {"tls_ca": ours.cert, "tls_cert": me.cert, "tls_key": me.key}
        async with AsyncClient(address, **shown) as kith:
            with pytest.raises(KithError) as reached:
                await kith.capabilities()
        assert reached.value.reason == "METHOD_UNKNOWN"
        for wrong in ({}, {"tls_cert": stranger.cert, "tls_key": stranger.key}):
            async with AsyncClient(address, tls_ca=ours.cert, **wrong) as kith:
                with pytest.raises(Unavailable):
                    await kith.capabilities()
    for half, field in (
        ({"tls_ca": ours.cert, "tls_cert": me.cert}, "tls_key"),
        ({"tls_ca": ours.cert, "tls_key": me.key}, "tls_cert"),
        ({"tls_cert": me.cert, "tls_key": me.key}, "tls_ca"),
    ):
        with pytest.raises(InvalidInput) as refused:
            Client(address, **half)
        assert refused.value.field == field
