"""YAML files as people write them: a key that stands there twice is a mistake, not the last one."""

import unicodedata
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]


def read_yaml(path: Path) -> Any:  # noqa: ANN401
    """What stands in a YAML file.

    Raises:
        OSError: It can't be opened.
        ValueError: It is no YAML, nested too deeply, or has a key twice; the message is one line,
            and names that of the file where it is known.
    """
    try:
        return _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{where}{_one_line(error.problem)}") from error
    except (ValueError, LookupError, AttributeError, yaml.YAMLError) as error:
        # What PyYAML makes of values such as 2024-13-45 and `!!bool maybe`.
        raise ValueError(_one_line(error)) from error


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses keys that stand there twice, in the same encoding or in two, and merged ones."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Leave `<<` unknown: a few nested ones tell of more keys than memory holds."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """One mapping with its keys; called for each."""
        mapping = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name = unicodedata.normalize("NFC", key.value)
            if name in lines:
                raise yaml.MarkedYAMLError(
                    problem=f"{name!r} stands in line {lines[name]} already",
                    problem_mark=key.start_mark,
                )
            lines[name] = key.start_mark.line + 1
        return mapping


def _one_line(what: object) -> str:
    return " ".join(str(what).split())
