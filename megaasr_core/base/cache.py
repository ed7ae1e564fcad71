"""Where things that can be made again are kept."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "MEGAASR_CACHE"


def cache_folder() -> Path:
    """The folder named by MEGAASR_CACHE, else the user's cache folder as the system has it; not created here."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("megaasr", appauthor=False)
