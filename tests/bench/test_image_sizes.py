"""How large the images of the services are; the time is that of building one."""

import subprocess

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.table import tell
from tests.house.test_containers import SERVICES
from tests.images import ROOT


def docker(*arguments: str) -> str:
    done = subprocess.run(
        ["docker", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def builder() -> None:
    """There is a Docker that builds."""
    try:
        docker("info", "--format", "{{.ServerVersion}}")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("images are built where a Docker daemon runs")


@pytest.mark.usefixtures("builder")
@pytest.mark.parametrize("service", SERVICES)
def test_image(benchmark: BenchmarkFixture, service: str) -> None:
    name = f"kith-bench-{service}"
    build = ("build", "--quiet", "--tag", name, "--target", service, ".")
    benchmark.pedantic(docker, build, rounds=1)
    size = int(docker("image", "inspect", "--format", "{{.Size}}", name))
    tell(benchmark, f"{size / 2**20:,.0f} MiB")
    docker("image", "rm", name)
