"""Who calls the gateway: a credential that is passed on, and never looked into."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from kith.connection import USER_KEY
from kith.errors import InvalidInput, Unauthenticated


class Caller(NamedTuple):
    """A credential; also the key under which something can be kept for whoever has it."""

    token: str | None
    user: str | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """The caller that a request's headers name, by `Authorization: Bearer` or `Kith-User`.

        Raises:
            Unauthenticated: There is a credential, but no bearer token.
            InvalidInput: The user has other characters than a name may have.
        """
        token = None
        if credential := headers.get("authorization", "").strip():
            scheme, _, token = credential.partition(" ")
            token = token.strip()
            if scheme.lower() != "bearer" or not _travels(token):
                raise Unauthenticated(
                    "authorization: not a bearer token; send 'Authorization: Bearer TOKEN'",
                    reason="TOKEN_UNKNOWN",
                )
        user = headers.get(USER_KEY)
        if user is not None and not _travels(user):
            raise InvalidInput(
                "user: no user name; take letters, digits, dot, dash, underscore",
                reason="USER_INVALID",
                field="user",
            )
        return cls(token, user)

    @property
    def account(self) -> str | None:
        """Whose room is used up; with a token the name is the caller's own invention."""
        return self.token or self.user

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What the assistant is sent. It decides which of the two counts."""
        token = (("authorization", f"Bearer {self.token}"),) if self.token else ()
        return (*token, *(((USER_KEY, self.user),) if self.user else ()))


def _travels(text: str) -> bool:
    """Whether gRPC carries `text` in its metadata."""
    return text != "" and text.isascii() and text.isprintable()
