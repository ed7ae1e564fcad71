"""What the trainer `rl-probe` asks of the start, and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from megaasr import Plugins, new_figure, tokenise

from ..training_clips import Clip, open_clips
from .groups import num_edits
from .policy import Policy, split
from .probe import RlProbe
from .prompts import Prompts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURVES = {
    "cpi": "a better one is drawn (CPI)",
    "bap": "the best-rewarded is not worse (BAP)",
    "valid": "valid transcripts",
    "without_variance": "groups without variance",
}


def first_clips(settings: RlProbe, plugins: Plugins) -> list[Clip]:
    """The first clips that a training by the settings draws of."""
    known = open_clips(settings.training, plugins)
    prompts = Prompts(len(known), settings.seed)
    return [known[prompts.at(place)] for place in range(min(settings.clips, len(known)))]


def start_wers(policy: Policy, clips: Sequence[Clip], batch_size: int) -> list[float]:
    """WER of the transcript that the policy decodes of each clip before it is trained."""
    wers = []
    for part in split(clips, batch_size):
        heard = policy.backend.transcribe([policy.utterance(clip) for clip in part], policy.options)
        for clip, one in zip(part, heard, strict=True):
            words = tokenise(clip.text, clip.language)
            wers.append(num_edits(tokenise(one.text, clip.language), words) / max(1, len(words)))
    return wers


def figure_of(found: Sequence[dict[str, float]]) -> Figure:
    """The shares over the temperature; ParameterError without matplotlib."""
    figure = new_figure(7, 4.2)
    axes = figure.add_subplot()
    temperatures = [one["temperature"] for one in found]
    for name, label in CURVES.items():
        axes.plot(temperatures, [100 * one[name] for one in found], marker="o", label=label)
    axes.set_xlabel("temperature")
    axes.set_ylabel("% of the clips (valid: of the transcripts)")
    axes.set_ylim(0, 102)
    axes.grid(alpha=0.3)
    axes.legend(loc="center right")
    return figure
