"""The small dataset, made once for the tests of a file."""

from pathlib import Path

import pytest

from tests.datagen.small import commission, finish


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small dataset in Playroom."""
    out = tmp_path_factory.mktemp("made") / "out"
    finish(commission(out))
    return out
