"""Exit codes of commands that compare systems."""

from __future__ import annotations

EXIT_WORSE = 3
"""A comparison found a system that is worse than its base."""
EXIT_CANNOT_TELL = 4
"""A comparison has too little evidence that a system is not worse than its base."""
