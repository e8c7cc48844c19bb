"""The program as it is started: a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = "{'grpc', 'torch', 'PIL', 'numpy', 'transformers', 'qdrant_edge', 'typer'}"


def started(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "kith.cli", *arguments]


def test_the_program_speaks_json_to_a_server(address: str, photo: Path) -> None:
    command = started("--server", address, "--json", "remember", "bo", str(photo))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["display_name"] == "bo"
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "kith: display_name: 'bo' is taken; choose another\n"


def test_a_reader_that_leaves_early_gets_no_traceback(address: str, photo: Path) -> None:
    command = started("--server", address, "--json", "retrieve", *[str(photo)] * 50)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_ctrl_c_ends_with_130_and_silence(photo: Path) -> None:
    # A server that never answers: a socket that says nothing to who connects.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        command = started("--server", f"127.0.0.1:{port}", "retrieve", str(photo))
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            silent.settimeout(60)
            with silent.accept()[0]:  # it has started, and waits
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_importing_kith_is_free() -> None:
    code = f"import sys, kith; print(sorted({HEAVY} & set(sys.modules)), kith.__version__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] 0.")


def test_importing_kith_takes_less_than_a_third_of_a_second() -> None:
    code = "import time; t = time.perf_counter(); import kith; print(time.perf_counter() - t)"
    took = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(took) < 0.3


def test_without_the_servers_packages_the_user_is_told_what_to_do(tmp_path: Path) -> None:
    # A folder before all others, in which these packages can't be imported.
    for name in ("torch", "qdrant_edge", "pydantic_settings", "numpy"):
        (tmp_path / f"{name}.py").write_text(
            f"raise ModuleNotFoundError('no {name}', name='{name}')", encoding="utf-8"
        )
    done = subprocess.run(
        started("list"),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1
    assert 'pip install "kith[server]"' in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_the_clients_are_found_where_the_readme_imports_them(name: str) -> None:
    import kith

    assert getattr(kith, name).__name__ == name


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    import kith

    with pytest.raises(AttributeError, match="no attribute 'Clint'"):
        kith.__getattr__("Clint")
