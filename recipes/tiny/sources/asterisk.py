"""Prompts of the Asterisk PBX: studio recordings of Allison Smith, coded with G.722 (ITU-T, 64 kbit/s)."""

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
"""Corrections of misspellings in the published texts, and the spoken names of the keys # and *."""


class Asterisk(Source):
    """The prompts of the Debian package asterisk-core-sounds-en that are sentences or phrases."""

    name = "asterisk"
    title = "asterisk-core-sounds-en"
    revision = 1
    # Other collections of the same prompts use this name for the speaker.
    voice = Voice("ast-en_US_f_Allison", "train", 0, "CC BY-SA 3.0")
    voices: Sequence[Voice] = (voice,)

    def __init__(self) -> None:
        self._sounds = Path()
        self._texts: dict[str, str] = {}

    def prepare(self, cache: Path) -> None:
        """Fetch the sounds and the texts."""
        try:
            import G722  # noqa: F401
        except ImportError as error:
            raise SourceError("asterisk: needs G722; pip install -r recipes/tiny/requirements.txt") from error
        self._sounds = unpacked(SOUNDS, cache) / "usr/share/asterisk/sounds/en_US_f_Allison"
        self._texts = prompts(document(TEXTS, "core-sounds-en.txt", cache))

    def own_utterances(self) -> list[Utterance]:
        """All prompts that have a sound file."""
        names = [name for name in sorted(self._texts) if (self._sounds / f"{name}.g722").is_file()]
        return [Utterance(self.voice, self._texts[name], name) for name in names]

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        """Decode the recording of a prompt."""
        del rng  # recordings are not varied
        from G722 import G722

        data = (self._sounds / f"{utterance.name}.g722").read_bytes()
        samples = np.asarray(G722(RATE_HZ, 64_000).decode(data), dtype=np.float32) / 32768.0
        return Audio(samples.astype(np.float32), RATE_HZ, f"{utterance.name}.g722")


def prompts(listing: str) -> dict[str, str]:
    """Names and spoken texts of ``core-sounds-en.txt``, without sound effects, letters, digits and single words.

    >>> prompts("beep: [a tone]\\nvm-leavemsg:  Press 5 to leave a message\\ndigits/1: one")
    {'vm-leavemsg': 'Press 5 to leave a message.'}
    """
    texts = {}
    for line in listing.splitlines():
        name, colon, text = line.partition(":")
        if not colon or line.startswith(";") or name.startswith(LEFT_OUT) or re.search(r"[\[<(]", text):
            continue
        for wrong, right in MISSPELT.items():
            text = text.replace(wrong, right)
        text = re.sub(r"\s+", " ", text.replace("...", " ")).strip(" ,:")
        if len(text.split()) >= MIN_WORDS:
            texts[name] = text[0].upper() + text[1:] + ("" if text[-1] in ".?!" else ".")
    return texts
