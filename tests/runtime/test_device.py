"""Which device "auto" stands for, by what the driver says."""

import ctypes
from typing import Any

import pytest

from services.runtime.device import best_device


class Driver:
    def __init__(self, devices: int, failure: int = 0) -> None:
        self._devices = devices
        self._failure = failure

    def cuInit(self, flags: int) -> int:  # noqa: N802 - the driver's name
        assert flags == 0
        return self._failure

    def cuDeviceGetCount(self, count: Any) -> int:  # noqa: ANN401, N802 - the same
        count._obj.value = self._devices
        return 0


@pytest.mark.parametrize(
    ("driver", "device"),
    [(Driver(2), "cuda"), (Driver(0), "cpu"), (Driver(1, failure=100), "cpu"), (None, "cpu")],
)
def test_an_accelerator_is_taken_where_the_driver_has_one(
    driver: Driver | None, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Driver:
        assert name == "libcuda.so.1"
        if driver is None:
            raise OSError(name)
        return driver

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert best_device() == device
