"""The tree is the one the README shows, and each room declares what it imports."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP_FOLDERS = {
    *("proto", "kith", "services", "memory_db", "datagen", "evaluation", "pocket", "helm"),
    *("tests", "docs", "examples"),
}
EXTRAS = {
    "kith": (),
    "memory_db": ("server",),
    "services": ("server", "baselines"),
    "datagen": ("datagen",),
    "evaluation": ("evaluation",),
    "pocket": ("pocket", "server", "datagen"),
    "proto": ("dev", "server"),
    "docs": ("dev",),
    "examples": ("server", "datagen"),
    "tests": ("dev", "pocket", "server", "datagen"),
}


def readme_tree() -> dict[str, str]:
    """Return each folder of the README's tree with its line, paths from the root."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"## What lies where\n\n```text\n(.*?)```", readme, re.DOTALL)
    assert tree, "the README has lost its tree"
    folders: dict[str, str] = {}
    parent = ""
    for line in tree[1].splitlines():
        folder, says = re.split(r"/\s+", line, maxsplit=1)
        if not line.startswith(" "):
            parent = folder
        folders[folder if folder == parent else f"{parent}/{folder.strip()}"] = says
    return folders


def test_top_folders_are_the_ones_agreed_on(tracked: list[Path]) -> None:
    folders = {file.parts[0] for file in tracked if len(file.parts) > 1}
    assert {folder for folder in folders if not folder.startswith(".")} <= TOP_FOLDERS


def test_readme_tree_has_a_line_for_every_folder(tracked: list[Path]) -> None:
    rooms = {file.parts[0] for file in tracked if len(file.parts) > 1}
    rooms |= {f"services/{file.parts[1]}" for file in tracked if file.match("services/*/*")}
    shown = {folder.replace("proto/kith/v1", "proto") for folder in readme_tree()}
    assert {room for room in rooms if not room.startswith(".")} <= shown
    assert all(readme_tree().values())


def test_readme_tree_shows_no_folder_that_is_not_there() -> None:
    assert [folder for folder in readme_tree() if not (ROOT / folder).is_dir()] == []


def test_every_package_is_held_by_the_import_contracts(tracked: list[Path]) -> None:
    packages = {file.parts[0] for file in tracked if file.name == "__init__.py"} - {"tests"}
    assert packages <= set(PYPROJECT["tool"]["importlinter"]["root_packages"])


def third_party_imports(files: list[Path]) -> dict[str, str]:
    """Return each foreign top-level module that the files import, with one place where."""
    found: dict[str, str] = {}
    for file in files:
        for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            for name in (name.split(".")[0] for name in names):
                if name not in sys.stdlib_module_names and name not in TOP_FOLDERS:
                    found[name] = f"{file}:{node.lineno}"
    return found


def canonical(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_of(extra: str) -> set[str]:
    """Return what an extra installs, and what the extras in it do."""
    found = set()
    for requirement in PYPROJECT["project"]["optional-dependencies"][extra]:
        if inner := re.fullmatch(r"kith\[(.*)\]", requirement):
            found |= {each for name in inner[1].split(",") for each in requirements_of(name)}
        else:
            found.add(canonical(requirement))
    return found


@pytest.mark.parametrize("room", EXTRAS)
def test_a_room_imports_only_what_its_extra_declares(room: str, tracked: list[Path]) -> None:
    files = [file for file in tracked if file.parts[0] == room and file.suffix == ".py"]
    project = PYPROJECT["project"]
    declared = {canonical(requirement) for requirement in project["dependencies"]}
    for extra in EXTRAS[room]:
        declared |= requirements_of(extra)
    providers = metadata.packages_distributions()
    undeclared = {
        name: where
        for name, where in third_party_imports(files).items()
        if not declared & {canonical(dist) for dist in providers.get(name, [name])}
    }
    assert not undeclared
