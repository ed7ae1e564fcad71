"""Prompts of the Asterisk PBX, read by Allison Smith: a studio voice that went through G.722 (ITU-T, 64 kbit/s)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from megaasr import Audio

from .base import Source, SourceError, Utterance, Voice
from .debian import document, unpacked

SOUNDS = "asterisk-core-sounds-en-g722"
TEXTS = "asterisk-core-sounds-en"
LEFT_OUT = ("letters/", "digits/", "phonetic/", "silence/")
MIN_WORDS = 2
RATE_HZ = 16_000
MISSPELT = {
    "umute": "unmute",
    "represenatives": "representatives",
    "Un-indentified": "Unidentified",
    "witheld": "withheld",
    " i ": " I ",
    "#": "pound",
    "*": "star",
}
"""Of the published texts, and the two keys, which are read by name."""


class Asterisk(Source):
    """The prompts of Debian's package that are sentences or phrases."""

    name = "asterisk"
    title = "asterisk-core-sounds-en"
    revision = 1
    # The speaker is also in other collections of the same prompts, under this name.
    voice = Voice("ast-en_US_f_Allison", "train", 0, "CC BY-SA 3.0")
    voices: Sequence[Voice] = (voice,)

    def __init__(self) -> None:
        self._sounds = Path()
        self._texts: dict[str, str] = {}

    def prepare(self, cache: Path) -> None:
        """Fetch sounds and texts."""
        try:
            import G722  # noqa: F401
        except ImportError as error:
            raise SourceError("asterisk: needs G722; pip install -r recipes/tiny/requirements.txt") from error
        self._sounds = unpacked(SOUNDS, cache) / "usr/share/asterisk/sounds/en_US_f_Allison"
        self._texts = prompts(document(TEXTS, "core-sounds-en.txt", cache))

    def own_utterances(self) -> list[Utterance]:
        """All prompts that are there."""
        there = [name for name in sorted(self._texts) if (self._sounds / f"{name}.g722").is_file()]
        return [Utterance(self.voice, self._texts[name], name) for name in there]

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Decode a prompt."""
        del rng  # a recording is what it is
        from G722 import G722

        data = (self._sounds / f"{utterance.name}.g722").read_bytes()
        samples = np.asarray(G722(RATE_HZ, 64_000).decode(data), dtype=np.float32) / 32768.0
        return Audio(samples.astype(np.float32), RATE_HZ, f"{utterance.name}.g722")


def prompts(listing: str) -> dict[str, str]:
    """Names and texts of ``core-sounds-en.txt``, as they are said; effects, letters, digits and single words left out.

    >>> prompts("beep: [a tone]\\nvm-leavemsg:  Press 5 to leave a message\\ndigits/1: one")
    {'vm-leavemsg': 'Press 5 to leave a message.'}
    """
    found = {}
    for line in listing.splitlines():
        name, colon, text = line.partition(":")
        if not colon or line.startswith(";") or name.startswith(LEFT_OUT) or re.search(r"[\[<(]", text):
            continue
        for wrong, right in MISSPELT.items():
            text = text.replace(wrong, right)
        text = re.sub(r"\s+", " ", text.replace("...", " ")).strip(" ,:")
        if len(text.split()) >= MIN_WORDS:
            found[name] = text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")
    return found
