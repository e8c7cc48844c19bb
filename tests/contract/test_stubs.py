import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


def test_the_stubs_are_those_of_the_contract(generator: ModuleType, tmp_path: Path) -> None:
    generator.generate(tmp_path)

    assert generator.stale(tmp_path) == [], "run python proto/generate.py"


def test_a_changed_a_missing_and_a_left_over_stub_are_stale(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, tree = tmp_path / "fresh", tmp_path / "tree"
    fresh.mkdir()
    generator.generate(fresh)
    shutil.copytree(fresh, tree)
    monkeypatch.setattr(generator, "ROOT", tree)
    stubs = tree / "kith" / "v1"
    stubs.joinpath("common_pb2.py").write_text("# edited by hand\n", encoding="utf-8")
    stubs.joinpath("query_pb2.pyi").unlink()
    stubs.joinpath("gone_pb2.py").touch()

    assert generator.stale(fresh) == ["common_pb2.py", "gone_pb2.py", "query_pb2.pyi"]


def test_a_client_needs_no_validation_library() -> None:
    code = (
        "import sys\n"
        "from kith.v1 import assistant_pb2_grpc, datagen_pb2_grpc, evaluation_pb2_grpc\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'protovalidate', 'buf', 'numpy'}\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_contract_that_does_not_compile_stops_the_generator(
    generator: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    broken = tmp_path / "kith" / "v1" / "broken.proto"
    broken.parent.mkdir(parents=True)
    broken.write_text('syntax = "proto3"; message Half {', encoding="utf-8")
    monkeypatch.setattr(generator, "PROTO", tmp_path)

    with pytest.raises(SystemExit, match="does not compile"):
        generator.generate(tmp_path)

    assert "broken.proto" in capfd.readouterr().err
