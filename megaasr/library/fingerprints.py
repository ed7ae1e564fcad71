"""Settings as JSON, and their digest, by which two runs are told apart."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any


def fingerprint(settings: Any) -> str:
    """Digest of all settings that determine the rows; a partial file with another fingerprint is from another run."""
    return blake2b(json.dumps(settings, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def as_json(value: Any) -> Any:
    """The value as it is after it was written to JSON and read again, so that the two can be compared."""
    return json.loads(json.dumps(value, sort_keys=True, default=str))
