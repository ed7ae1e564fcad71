"""Location of the cache folder."""

from __future__ import annotations

import os
from pathlib import Path

ENVIRONMENT = "MEGAASR_CACHE"


def cache_folder() -> Path:
    """The folder named by MEGAASR_CACHE, or else the user's cache folder of the system; not created here."""
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    return user_cache_path("megaasr", appauthor=False)
