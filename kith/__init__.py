"""A personal visual memory for any vision-language model.

`Client` and `AsyncClient` are loaded when they are first used: `import kith` itself is free.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kith.aio import AsyncClient
    from kith.client import Client

__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> object:
    # Imported by name, and not at the top, since these need grpc and importlib.metadata.
    if name == "Client":
        from kith.client import Client

        return Client
    if name == "AsyncClient":
        from kith.aio import AsyncClient

        return AsyncClient
    if name == "__version__":
        from importlib.metadata import version

        return version("kith")
    raise AttributeError(f"module 'kith' has no attribute {name!r}")
