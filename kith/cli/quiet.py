"""Keeps the libraries from writing between our lines."""

import logging
import os
import warnings

_SILENT = {
    "DIFFUSERS_VERBOSITY": "error",
    "GRPC_VERBOSITY": "NONE",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "YOLO_VERBOSE": "false",
}


def quiet() -> None:
    """Silence them, where the user has not set otherwise; before any of them is imported."""
    for name, value in _SILENT.items():
        os.environ.setdefault(name, value)
    warnings.simplefilter("ignore")
    # With no handler at all, logging writes warnings to standard error.
    logging.getLogger().addHandler(logging.NullHandler())
