"""The error of fetching, and how it quotes a server."""

from __future__ import annotations

from megaasr import MegaasrError

QUOTED = 200
"""Characters that an error quotes of a server's answer."""


class FetchError(MegaasrError):
    """Raised when an archive cannot be downloaded or unpacked, or differs from the published one."""


def quoted(text: object) -> str:
    """Words of a server on one line, printable and short."""
    line = " ".join(str(text)[: 4 * QUOTED].split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:QUOTED]
