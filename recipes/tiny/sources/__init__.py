"""Sources of speech that packages bring; one file each."""

from .asterisk import Asterisk
from .base import Source
from .espeak import Espeak
from .flite import Flite
from .hibari_voice import HibariVoice
from .piper_voice import PiperVoice

SOURCES: tuple[type[Source], ...] = (Asterisk, HibariVoice, PiperVoice, Flite, Espeak)
"""In the order in which sentences are handed out: adding one at the end changes nobody else's sentences."""
