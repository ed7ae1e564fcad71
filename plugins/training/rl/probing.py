"""What the trainer `rl-probe` draws, and its plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from megaasr import ComposedReward, ParameterError, Plugins, Sampling, tokenise

from ..training_clips import Clip, open_clips
from .groups import num_edits, scored_groups
from .policy import Policy, open_policy_backend, split, start_parts
from .probe import RlProbe, shares
from .prompts import Prompts
from .run import open_reward

CURVES = {
    "cpi": "a better one is drawn (CPI)",
    "bap": "the best-rewarded is not worse (BAP)",
    "valid": "valid transcripts",
    "without_variance": "groups without variance",
}


class ProbedPolicy:
    """The policy as it starts, its clips, and how it is asked."""

    def __init__(self, settings: RlProbe, plugins: Plugins) -> None:
        backend = open_policy_backend(settings, plugins)
        self.backend = backend
        self._settings = settings
        self._policy = Policy(settings, backend, start_parts(settings.adapter), plugins)

    def start_wers(self, clips: Sequence[Clip]) -> list[float]:
        """WER of the transcript that the start decodes of each clip."""
        policy, wers = self._policy, []
        for part in split(clips, self._settings.eval_batch_size):
            heard = self.backend.transcribe([policy.utterance(clip) for clip in part], policy.options)
            for clip, one in zip(part, heard, strict=True):
                words = tokenise(clip.text, clip.language)
                wers.append(num_edits(tokenise(one.text, clip.language), words) / max(1, len(words)))
        return wers

    def draw(self, clips: Sequence[Clip], sampling: Sampling) -> list[Any]:
        """The rollouts of some clips at a sampling."""
        settings, policy = self._settings, self._policy
        drawn = []
        for part in split(clips, settings.micro_prompts):
            utterances = [policy.utterance(clip) for clip in part]
            drawn += self.backend.sample(
                utterances, settings.rollouts, policy.options, sampling, seed=settings.seed, step=1
            )
        return drawn


def opened(settings: RlProbe, plugins: Plugins) -> tuple[ProbedPolicy, list[Clip], ComposedReward]:
    """The policy, the clips to draw of, and the reward."""
    reward = open_reward(settings, plugins)
    known = open_clips(settings.training, plugins)
    prompts = Prompts(len(known), settings.seed)
    clips = [known[prompts.at(place)] for place in range(min(settings.clips, len(known)))]
    return ProbedPolicy(settings, plugins), clips, reward


def figures_at(
    policy: ProbedPolicy,
    sampling: Sampling,
    clips: Sequence[Clip],
    reward: ComposedReward,
    starts: Sequence[float],
    margin: float,
    min_spread: float,
) -> dict[str, float]:
    """The figures of one sampling; see `shares`."""
    groups = scored_groups(range(len(clips)), clips, policy.draw(clips, sampling), reward)
    return shares(groups, starts, margin, min_spread)


def plot(found: Sequence[dict[str, float]], path: Path) -> None:
    """Write the shares over the temperature as a PNG; ParameterError without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ParameterError("pictures need matplotlib; run: pip install 'megaasr[plot]'") from error
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    temperatures = [one["temperature"] for one in found]
    for name, label in CURVES.items():
        axes.plot(temperatures, [100 * one[name] for one in found], marker="o", label=label)
    axes.set_xlabel("temperature")
    axes.set_ylabel("% of the clips (valid: of the transcripts)")
    axes.set_ylim(0, 102)
    axes.grid(alpha=0.3)
    axes.legend(loc="center right")
    figure.savefig(path, format="png", dpi=120)
