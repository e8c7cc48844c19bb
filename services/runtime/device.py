"""Whether this machine has an accelerator, asked of its driver: torch has no place in this room."""

import ctypes


def best_device() -> str:
    """The torch device: cuda where the driver has one that this process may use, else cpu."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "cpu"
    count = ctypes.c_int(0)
    found = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return "cuda" if found and count.value else "cpu"
