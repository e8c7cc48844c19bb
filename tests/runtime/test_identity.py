"""The user comes from the credential."""

import hashlib
from contextvars import copy_context
from pathlib import Path

import pytest

from kith.errors import InvalidInput, Refused, Unauthenticated
from services.runtime.identity import Users, current_user, enter


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.fixture
def users(tmp_path: Path) -> Users:
    path = tmp_path / "tokens"
    path.write_text(
        f"# who may come in\nann {digest('a-secret')}\n\nbob {digest('b-secret')}\n",
        encoding="utf-8",
    )
    return Users("me", path)


def test_without_tokens_the_name_may_be_given_or_left_out() -> None:
    users = Users("me")
    assert users.of({}) == "me"
    assert users.of({"kith-user": "ann"}) == "ann"


def test_a_token_names_its_user_and_nothing_else_does(users: Users) -> None:
    assert users.of({"authorization": "Bearer a-secret"}) == "ann"
    assert users.of({"authorization": "bearer b-secret", "kith-user": "ann"}) == "bob"


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"kith-user": "ann"},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer"},
        {"authorization": "Basic a-secret"},
        {"authorization": "a-secret"},
        {"authorization": f"Bearer {digest('a-secret')}"},
    ],
)
def test_with_tokens_any_other_call_is_unauthenticated(
    users: Users, metadata: dict[str, str]
) -> None:
    with pytest.raises(Unauthenticated):
        users.of(metadata)


@pytest.mark.parametrize("user", ["", "..", "a/b", "-a", "a b", "ü", "x" * 64, "a\n"])
def test_a_name_that_could_leave_its_folder_is_no_user(user: str) -> None:
    with pytest.raises(InvalidInput, match="user"):
        Users("me").of({"kith-user": user})


@pytest.mark.parametrize("line", ["ann", "ann secret", f"ann {'0' * 64} more", "0" * 64])
def test_a_tokens_file_that_cannot_be_understood_stops_the_start(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(f"# fine\n{line}\n", encoding="utf-8")
    with pytest.raises(Refused, match="line 2"):
        Users("me", path)


def test_outside_a_call_there_is_no_current_user() -> None:
    with pytest.raises(LookupError):
        current_user()
    run = copy_context().run  # as each call has a context of its own
    run(enter, "ann")
    with pytest.raises(LookupError):
        current_user()


def rewrite(path: Path, text: str) -> None:
    """As an operator does: a new file in the old one's place."""
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def test_a_changed_tokens_file_counts_from_the_next_call_on(users: Users, tmp_path: Path) -> None:
    rewrite(tmp_path / "tokens", f"ann {digest('new-secret')}\n")
    assert users.of({"authorization": "Bearer new-secret"}) == "ann"
    for old in ("a-secret", "b-secret"):
        with pytest.raises(Unauthenticated):
            users.of({"authorization": f"Bearer {old}"})


@pytest.mark.parametrize("text", ["ann", "ann secret\n", "\udcff"])
def test_a_tokens_file_that_makes_no_sense_any_more_changes_nothing(
    users: Users, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    new = tmp_path / "new"
    new.write_bytes(text.encode(errors="surrogateescape"))
    new.replace(tmp_path / "tokens")
    for _ in range(3):
        assert users.of({"authorization": "Bearer a-secret"}) == "ann"
    assert [record.levelname for record in caplog.records] == ["ERROR"]  # told once, not each time
    rewrite(tmp_path / "tokens", f"bob {digest('a-secret')}\n")
    assert users.of({"authorization": "Bearer a-secret"}) == "bob"


def test_a_tokens_file_that_is_gone_locks_nobody_out(users: Users, tmp_path: Path) -> None:
    (tmp_path / "tokens").unlink()
    assert users.of({"authorization": "Bearer a-secret"}) == "ann"


def test_a_tokens_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="tokens"):
        Users("me", tmp_path / "tokens")
