"""Who is asking: a user's name from the credential of a call, never from an argument."""

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from kith.errors import InvalidInput, KithError, Refused, Unauthenticated

USER_KEY: Final = "kith-user"
"""Metadata that names the user on a server without tokens; a local convenience, no protection."""

_USER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_log = logging.getLogger(__name__)
_current: ContextVar[str] = ContextVar("kith_user")
_admission: ContextVar["Admission | None"] = ContextVar("kith_admission", default=None)


def current_user() -> str:
    """The user of the call being served. Raises `LookupError` outside a call: a bug of ours."""
    return _current.get()


def enter(user: str, admission: "Admission | None" = None) -> None:
    """Serves the rest of this task as `user`, who was let in by `admission`."""
    _current.set(valid_user(user))
    _admission.set(admission)


def check_admission() -> None:
    """For a call that says nothing for long: ends it once its user would not be let in any more.

    Raises:
        Unauthenticated: See `Admission.check`.
    """
    admission = _admission.get()
    if admission is not None:
        admission.check()


def valid_user(user: str) -> str:
    """`user`, if it can be part of a resource name and of a folder's.

    Raises:
        InvalidInput: It is empty, longer than 63 characters or has others than letters, digits,
            dot, dash and underscore.
    """
    if not _USER.fullmatch(user):
        raise InvalidInput(
            f"user: {user[:80]!r} is no user name; take letters, digits, dot, dash, underscore",
            reason="USER_INVALID",
            field="user",
        )
    return user


class Admission:
    """A caller who was let in.

    Args:
        users: Who may call.
        metadata: Of the call.

    Raises:
        Unauthenticated: As `Users.of`.
    """

    def __init__(self, users: "Users", metadata: Mapping[str, str | bytes]) -> None:
        self._users = users
        self._metadata = metadata
        self._version = users.version()
        self.user = users.of(metadata)

    def check(self) -> None:
        """Lets the caller go on; costs a look at the date of the tokens file.

        Raises:
            Unauthenticated: The token is not in the file any more, or is another user's.
        """
        version = self._users.version()
        if version != self._version:
            if self._users.of(self._metadata) != self.user:
                raise _unknown_token()
            self._version = version


class Users:
    """Names the user of a call by its metadata.

    Args:
        default: The user of a call that names none, on a server without tokens.
        tokens_file: A line each of user name, space and the SHA-256 of a bearer token in
            hexadecimal; read again when it has changed. None: a server without tokens, for one
            machine and people who trust each other.

    Raises:
        Refused: The file is missing, or a line of it has another form.
    """

    def __init__(self, default: str, tokens_file: Path | None = None) -> None:
        self._default = valid_user(default)
        self._file = tokens_file
        self._version = _version(tokens_file)
        self._tokens = _read(tokens_file) if tokens_file else {}

    def of(self, metadata: Mapping[str, str | bytes]) -> str:
        """The user a call's metadata names.

        Raises:
            Unauthenticated: The server has tokens, and the call brings none of them.
        """
        if self._file is None:
            return valid_user(_text(metadata.get(USER_KEY, self._default)))
        self._follow(self._file)
        scheme, _, token = _text(metadata.get("authorization", "")).partition(" ")
        digest = hashlib.sha256(token.encode()).hexdigest()
        # Every digest is compared, each in constant time: the time taken tells nothing.
        users = [user for known, user in self._tokens.items() if hmac.compare_digest(known, digest)]
        if scheme.lower() != "bearer" or not users:
            raise _unknown_token()
        return users[0]

    def version(self) -> tuple[int, ...]:
        """Of the tokens: another one once their file has changed."""
        if self._file is not None:
            self._follow(self._file)
        return self._version

    def _follow(self, file: Path) -> None:
        """Takes the tokens of a file that has changed, unless it makes no sense."""
        version = _version(file)
        if version == self._version:
            return
        self._version = version
        try:
            self._tokens = _read(file)
        except KithError as error:
            _log.error("the tokens stay as they were: %s", error)
        else:
            _log.warning("the tokens file has changed: %d tokens", len(self._tokens))


def _unknown_token() -> Unauthenticated:
    return Unauthenticated(
        "authorization: no known token; send 'authorization: Bearer TOKEN'", reason="TOKEN_UNKNOWN"
    )


def _version(file: Path | None) -> tuple[int, ...]:
    """Differs once the file was written or replaced; () when there is none."""
    try:
        found = file and file.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino) if found else ()


def _read(file: Path) -> dict[str, str]:
    """Digests to users."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(
            f"tokens_file: {file} can't be read ({type(error).__name__}); correct it",
            reason="TOKENS_FILE_INVALID",
            field="tokens_file",
        ) from error
    tokens = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match line.split():
            case [user, digest] if re.fullmatch(r"[0-9a-f]{64}", digest):
                tokens[digest] = valid_user(user)
            case _:
                raise Refused(
                    f"tokens_file: line {number} is not 'USER SHA256'; correct it",
                    reason="TOKENS_FILE_INVALID",
                    field="tokens_file",
                )
    return tokens


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
