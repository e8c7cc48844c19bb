"""`python -m tests.runtime.up ARGUMENT...`: `kith up`, with two services that have no model."""

import sys
from typing import Any

from kith.cli import main
from services.runtime import deployment
from services.runtime.children import Child

_wired = deployment.deployment


def _modelless(*args: Any, **options: Any) -> list[Child]:  # noqa: ANN401 - of the real one
    children = [one for one in _wired(*args, **options) if one.name in ("assistant", "detection")]
    for child in children:
        # What runs, and that it is found: all else is as it is started in earnest.
        child.command = [
            {"kith.cli": "tests.runtime.modelless"}.get(word, word)
            for word in child.command
            if word != "-P"
        ]
    return children


if __name__ == "__main__":
    deployment.deployment = _modelless
    sys.exit(main())
