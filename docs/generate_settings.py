"""Write the table of settings in docs/operate.md from the code, or check that it is true (--check).

Its sentences are the docstrings of the settings, so that each stands in one place.
"""

import re
import sys
from pathlib import Path
from typing import Any

from kith.cli.server import SERVED, TRAINED_SERVED
from kith.local import server_module

PAGE = Path(__file__).with_name("operate.md")
TABLE = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- end -->)", re.DOTALL)


def classes() -> dict[str, Any]:
    """Return the settings class of each service that has a process of its own."""
    found = {}
    # With a method that trains the assistant reads all that it else does, and more.
    for service, served in (SERVED | TRAINED_SERVED).items():
        module, _, name = served.settings.partition(":")
        if service is not None:
            found[service] = getattr(server_module(module), name)
    return found


def default_of(field: Any) -> str:  # noqa: ANN401 - pydantic's, which the client does without
    """Return a default as an operator would write it."""
    if field.default_factory is not None:
        made = field.default_factory()
        return "your data folder" if isinstance(made, Path) else "" if not made else f"`{made}`"
    value = field.default
    if value is None or value == ():
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def rows() -> list[str]:
    """Return a line a variable: its default, who reads it, what it means."""
    services = classes()
    names = list(dict.fromkeys(name for each in services.values() for name in each.model_fields))
    lines = []
    for name in sorted(names):
        fields = {
            service: each.model_fields[name]
            for service, each in services.items()
            if name in each.model_fields
        }
        for said in dict.fromkeys(field.description for field in fields.values()):
            readers = [service for service, field in fields.items() if field.description == said]
            defaults = dict.fromkeys(default_of(fields[service]) for service in readers)
            who = "all" if len(readers) == len(services) else ", ".join(readers)
            meaning = " ".join((said or "").split()).replace("|", "\\|")
            shown = ", ".join(filter(None, defaults))
            lines.append(f"| `KITH_{name.upper()}` | {shown} | {who} | {meaning} |")
    return lines


def main() -> int:
    """Write the table; with --check, return 1 if it differs instead."""
    page = PAGE.read_text(encoding="utf-8")
    head = ["| variable | default | read by | |", "|---|---|---|---|"]
    table = "\n".join([*head, *rows()])
    fresh = TABLE.sub(lambda match: f"{match[1]}{table}\n{match[2]}", page)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(fresh, encoding="utf-8")
        return 0
    if fresh == page:
        return 0
    print("docs/operate.md differs from the settings: run `make docs`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
