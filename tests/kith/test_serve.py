"""What `kith serve SERVICE` makes of options and variables."""

from pathlib import Path

import pytest

from kith.cli.server import SERVED, ServiceName, settings_of
from kith.cli.session import Session
from kith.errors import InvalidInput

PORTS = {
    None: 7450,
    "assistant": 7450,
    "detection": 7451,
    "embedding": 7452,
    "generation": 7453,
    "gateway": 7460,
    "datagen": 7456,
    "evaluation": 7457,
}
PLAIN = Session(None, None, None, None, None, None, None, as_json=False)


@pytest.mark.parametrize("service", SERVED)
def test_each_service_has_a_port_of_its_own(service: str | None) -> None:
    settings = settings_of(PLAIN, service)  # type: ignore[arg-type]
    assert (settings.host, settings.port) == ("127.0.0.1", PORTS[service])
    assert settings.production is False


def test_alone_an_assistant_knows_where_the_models_are_and_with_all_in_one_it_has_them() -> None:
    assert settings_of(PLAIN, "assistant").detection == "127.0.0.1:7451"
    assert settings_of(PLAIN, None).detection is None


def test_options_come_before_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITH_PORT", "7000")
    monkeypatch.setenv("KITH_PROFILE", "full")
    monkeypatch.setenv("KITH_GRACE_S", "")
    session = Session(None, None, None, None, None, "pocket", Path("here"), as_json=False)
    settings = settings_of(session, "detection", port=7001, production=True)
    assert (settings.port, settings.profile, settings.weights) == (7001, "pocket", Path("here"))
    assert settings.production is True
    assert settings.grace_s == 10
    assert settings_of(PLAIN, "detection").port == 7000


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITH_HOSTS", "kith.example, Photos.example")
    monkeypatch.setenv("KITH_ORIGINS", "https://a.example,http://b.example:8080")
    monkeypatch.setenv("KITH_ASSISTANTS", "rap=127.0.0.1:7455, myvlm=[::1]:7457")
    settings = settings_of(PLAIN, "gateway")
    assert settings.hosts == ("kith.example", "photos.example")
    assert settings.origins == ("https://a.example", "http://b.example:8080")
    assert settings.assistants == {"rap": "127.0.0.1:7455", "myvlm": "[::1]:7457"}


@pytest.mark.parametrize(
    ("service", "variable", "value"),
    [
        ("gateway", "KITH_HOSTS", '["kith.example"]'),
        ("gateway", "KITH_HOSTS", "kith.example:7460"),
        ("gateway", "KITH_ORIGINS", "https://a.example/"),
        ("gateway", "KITH_ASSISTANTS", "127.0.0.1:7455"),
        ("gateway", "KITH_ASSISTANTS", "rap=here"),
        ("gateway", "KITH_PORT", "many"),
        ("datagen", "KITH_CATEGORY_POOLS", "person"),
    ],
)
def test_a_setting_that_is_none_is_told_in_a_line(
    service: ServiceName, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput, match=rf"^settings: {variable}.*: ") as told:
        settings_of(PLAIN, service)
    assert "\n" not in str(told.value)
