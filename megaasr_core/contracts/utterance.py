"""`Utterance`: what backends, routers and trainers get: sound, and what is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..base.audio import Audio, Samples
from ..base.language import language_code


@dataclass(frozen=True, eq=False)
class Utterance:
    """One stretch of speech with what is known about it.

    Args:
        audio: mono samples and their rate.
        language: ISO 639-1 code, or None where it is not known: the backend then chooses.
        context: text that a backend may use to bias decoding, such as names or the words before; may be ignored.
        reference: the words that were spoken, where they are known (evaluation, training).
        id: key of the utterance, on which keyed draws depend; if empty, they depend on the audio's name.
    """

    audio: Audio
    language: str | None = None
    context: str = ""
    reference: str | None = None
    id: str = ""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.audio.duration_s

    @property
    def samples(self) -> Samples:
        """The audio's samples, shape (num_samples,), float32."""
        return self.audio.samples

    @property
    def sample_rate(self) -> int:
        """The audio's rate in Hz."""
        return self.audio.sample_rate

    @property
    def name(self) -> str:
        """The audio's name, for messages."""
        return self.audio.name


def utterances(batch: Sequence[Utterance | Audio], language: str | None = None) -> list[Utterance]:
    """The batch as utterances; `language` is that of those which have none. ParameterError: one that is none."""
    found = [item if isinstance(item, Utterance) else Utterance(item) for item in batch]
    stated = [item.language or language for item in found]
    return [replace(one, language=code and language_code(code)) for one, code in zip(found, stated, strict=True)]
