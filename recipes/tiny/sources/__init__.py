"""Sources of speech from packages: one module a source."""

from .asterisk import Asterisk
from .base import Source
from .espeak import Espeak
from .flite import Flite
from .hibari_voice import HibariVoice
from .piper_voice import PiperVoice

SOURCES: tuple[type[Source], ...] = (Asterisk, HibariVoice, PiperVoice, Flite, Espeak)
"""Sources in the order in which they get sentences; a source added at the end does not change those of the others."""
