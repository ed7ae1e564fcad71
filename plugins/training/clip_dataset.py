"""The clips of a phase as a torch dataset; apart from `training_clips`, which does not need torch."""

from __future__ import annotations

from collections.abc import Sequence

from torch.utils.data import Dataset

from megaasr import Plugins, Utterance

from .training_clips import Clip


class ClipDataset(Dataset[tuple[Utterance, str, Utterance]]):
    """(utterance, text, clean utterance) of the clips in a given order; audio is read, or rendered, on access.

    Args:
        sample_rate: in Hz, that everything is resampled to.
        plugins: whose readers are asked.
        clean: whether the recordings that samples of a plan were made of are read too; else the clip stands for it.
    """

    def __init__(
        self, clips: Sequence[Clip], order: Sequence[int], sample_rate: int, plugins: Plugins, clean: bool = False
    ) -> None:
        self._clips, self._order, self._sample_rate, self._clean = clips, order, sample_rate, clean
        self._plugins = plugins

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> tuple[Utterance, str, Utterance]:
        clip = self._clips[self._order[place]]
        audio = clip.read(self._plugins).resampled(self._sample_rate)
        clean = clip.read(self._plugins, clean=True).resampled(self._sample_rate) if self._clean else audio
        known = {"language": clip.language, "reference": clip.text, "id": clip.key}
        return Utterance(audio, **known), clip.text, Utterance(clean, **known)
