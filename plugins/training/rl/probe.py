"""The trainer `rl-probe`: which temperature leaves room to learn, before anything is trained (Mega-ASR, 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from megaasr import (
    TrainContext,
    atomic_path,
    claim_identity,
    fingerprint,
    hookimpl,
    new_figure,
    png_of,
    run_folder,
    write_json,
    write_text,
)

from ..starting import RUN
from .groups import Group
from .settings import RlSettings

REPORT, TABLE, PLOT = "probe.json", "probe.md", "probe.png"
HEADS = ("temperature", "better (CPI)", "chosen not worse (BAP)", "valid", "without variance", "mean WER", "best WER")


class RlProbe(RlSettings):
    """Draw transcripts at several temperatures, and say how often the best and the best-rewarded are good enough.

    With b the WER of the start's own transcript of a clip, and d a margin: CPI is the share of clips whose best
    transcript has a WER of at most b - d, BAP the share whose best-rewarded transcript has one of at most b + d. Valid
    transcripts are not empty, not repetitive, and end.
    """

    name: ClassVar[str] = "rl-probe"

    temperatures: list[float] = Field(
        [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0], min_length=1, description="of the sampling, one after the other"
    )
    margin: float = Field(0.05, ge=0, description="d")
    clips: int = Field(48, gt=0, description="the first so many of the training's sequence")

    def train(self, out: Path, context: TrainContext) -> dict[str, Any]:
        """Probe; writes probe.json, probe.md and probe.png below `out`, and returns the figures.

        Raises:
            As `RlTraining.train`; ParameterError without matplotlib.
        """
        from .groups import open_reward, scored_groups
        from .policy import open_policy
        from .probing import figure_of, first_clips, start_wers

        found: list[dict[str, float]] = []
        new_figure(1, 1)  # without matplotlib nothing is drawn
        reward, clips = open_reward(self, context.plugins), first_clips(self, context.plugins)
        with run_folder(out):
            policy = open_policy(self, context.plugins)
            identity = {
                "run": fingerprint(self.model_dump(mode="json")),
                **context.identity(self, [source.manifest for source in self.training], [policy.backend]),
            }
            claim_identity(out / RUN, identity, other="a probe of another configuration")
            starts = start_wers(policy, clips, self.eval_batch_size)
            for temperature in self.temperatures:
                sampling = self.sampling.model_copy(update={"temperature": temperature})
                groups = scored_groups(range(len(clips)), clips, policy.draw(clips, 1, sampling), reward)
                found.append({"temperature": temperature, **shares(groups, starts, self.margin, self.min_spread)})
            report = {"clips": len(clips), "rollouts": self.rollouts, "margin": self.margin, "temperatures": found}
            write_json(out / REPORT, report)
            write_text(out / TABLE, table(found))
            with atomic_path(out / PLOT) as temporary:
                temporary.write_bytes(png_of(figure_of(found), dpi=120))
        return report


def shares(groups: Sequence[Group], starts: Sequence[float], margin: float, min_spread: float) -> dict[str, float]:
    """The figures of one temperature.

    Args:
        groups: of the clips.
        starts: WER of the start's own transcript of each clip.
    """
    better, chosen, flat, best_wers, wers = 0, 0, 0, [], []
    for group, start in zip(groups, starts, strict=True):
        own = group.wers
        ranked = [(reward, -place) for place, reward in enumerate(group.rewards) if reward is not None]
        better += min(own) <= start - margin
        chosen += bool(ranked) and own[-max(ranked)[1]] <= start + margin
        flat += group.is_flat(min_spread)
        best_wers.append(min(own))
        wers += own
    flags = [one for group in groups for one in group.flags]
    count = len(groups)
    return {
        "cpi": better / count,
        "bap": chosen / count,
        "valid": sum(not one & {"empty", "repetitive", "overlong"} for one in flags) / len(flags),
        "without_variance": flat / count,
        "wer": sum(wers) / len(wers),
        "best_wer": sum(best_wers) / count,
    }


def table(found: Sequence[dict[str, float]]) -> str:
    """The figures as a Markdown table, in percent."""
    lines = [list(HEADS), ["---"] * len(HEADS)]
    for one in found:
        temperature, *figures = one.values()
        lines.append([f"{temperature:g}", *(f"{100 * figure:.1f}" for figure in figures)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


@hookimpl
def register_trainers(register):
    register(RlProbe)
