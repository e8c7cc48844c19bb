"""A small bank of test identities, drawn once a run."""

from pathlib import Path

import pytest

from pocket.bank import Bank, Plan, make


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    root: Path = tmp_path_factory.mktemp("bank")
    return make(root, Plan("test", families=12, scenes=24), workers=1)
