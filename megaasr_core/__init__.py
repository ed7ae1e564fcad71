"""The core of megaasr: contracts, discovery of plugins, plan, render, transcribe, score. Import `megaasr`, not this."""

import warnings
from importlib import import_module
from typing import Any

__version__ = "0.2.0"


def __getattr__(name: str) -> Any:
    """Names that version 0.1 exported here; they moved to `megaasr`, and this way goes with version 0.3."""
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module("megaasr"), name)
    warnings.warn(f"import {name} from megaasr instead of megaasr_core", DeprecationWarning, stacklevel=2)
    return value
