"""How much of a programme is run: the short form among the tests, the long one by hand."""

import os
from typing import Final

import pytest

from tests.end_to_end.conftest import open_profile  # noqa: F401 - a fixture
from tests.reliability.table import Effort
from tests.reliability.whole import user, whole  # noqa: F401 - fixtures

_EFFORT: Final[Effort] = "long" if os.environ.get("KITH_RELIABILITY") == "long" else "short"


@pytest.fixture(scope="session")
def effort() -> Effort:
    """`short`: seconds, in CI. `long`: minutes, what docs/reliability.md tells of."""
    return _EFFORT
