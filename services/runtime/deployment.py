"""All services on one machine: which there are, and what each is told of the others."""

import hashlib
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from kith.local import TRAINED
from services.runtime.address import written
from services.runtime.children import Child

_HERE: Final = "127.0.0.1"
_PORTS: Final = {
    "gateway": 10,
    "assistant": 0,
    "detection": 1,
    "embedding": 2,
    "generation": 3,
    "words": 4,
}
"""Each service's port, from that of the assistant on. Whoever calls others stands before them."""

_RAP: Final = 5
"""The port at which the assistant answers by the paper's method, to be compared with ours."""

_STAGES: Final = ("detection", "embedding", "generation", "words")
_CALLING_STAGES: Final = ("assistant", "detection")


def deployment(
    environment: Mapping[str, str], port: int, folder: Path, *, open_vocabulary: bool
) -> list[Child]:
    """The services, in the order in which they should stop.

    All but the gateway listen on this machine only. With a metrics port in the environment, each
    service takes the next one.

    Args:
        environment: Common to all of them.
        port: Of the assistant.
        folder: For the file of the token between the services, where their users need tokens.
        open_vocabulary: The detector reads words, and has an embedding service of its own for that.
    """
    unused = set() if open_vocabulary else {"words"}
    method = environment.get("KITH_METHOD", "kith")
    if method in TRAINED:  # such an assistant teaches a model of its own
        unused.add("generation")
    names = [name for name in _PORTS if name not in unused]
    at = {name: written(_HERE, port + _PORTS[name]) for name in names}
    told = {
        "gateway": {"KITH_ASSISTANT": at["assistant"]},
        "assistant": {f"KITH_{name.upper()}": at[name] for name in _STAGES[:3] if name in at},
        "detection": {"KITH_EMBEDDING": at["words"]} if open_vocabulary else {},
        "words": {"KITH_ENCODER": "words"},
    }
    if method == "kith":
        told["gateway"]["KITH_ASSISTANTS"] = f"rap={written(_HERE, port + _RAP)}"
        told["assistant"]["KITH_FURTHER_METHODS"] = f"rap={port + _RAP}"
    credentials = _credentials(environment, folder)
    children = []
    for number, name in enumerate(names):
        own = told.get(name, {}) | credentials.get(name, {})
        own["KITH_PORT"] = str(port + _PORTS[name])
        if name != "gateway":
            own["KITH_HOST"] = _HERE
        if metrics := environment.get("KITH_METRICS_PORT"):
            own["KITH_METRICS_PORT"] = str(int(metrics) + number)
        service = "embedding" if name == "words" else name
        # No service is left behind, however whoever started it ends.
        tied = [sys.executable, "-P", "-m", "services.runtime.tied"]
        command = [*tied, "kith.cli", "serve", service]
        children.append(Child(name, command, {**environment, **own}, at[name], at[name]))
    return [_as_a_browser_sees_it(children[0], environment), *children[1:]]


def _as_a_browser_sees_it(gateway: Child, environment: Mapping[str, str]) -> Child:
    scheme = "https" if environment.get("KITH_TLS_CERT") else "http"
    port = int(gateway.address.rpartition(":")[2])
    host = environment.get("KITH_HOST", _HERE)
    asked = {"0.0.0.0": _HERE, "::": "::1"}.get(host, host)
    return replace(
        gateway,
        address=f"{scheme}://{written(host, port)}",
        health=f"{scheme}://{written(asked, port)}/readyz",
    )


def _credentials(environment: Mapping[str, str], folder: Path) -> dict[str, dict[str, str]]:
    """A token that the services show to each other, unless none is needed or one is chosen."""
    if not environment.get("KITH_TOKENS_FILE") or environment.get("KITH_SERVICE_TOKEN"):
        return {}
    token = secrets.token_urlsafe(32)
    file = folder / "service-tokens"
    file.touch(mode=0o600)
    digest = hashlib.sha256(token.encode()).hexdigest()
    file.write_text(f"assistant {digest}\n", encoding="utf-8")
    credentials = {name: {"KITH_TOKENS_FILE": str(file)} for name in _STAGES}
    for name in _CALLING_STAGES:
        credentials.setdefault(name, {})["KITH_SERVICE_TOKEN"] = token
    return credentials
