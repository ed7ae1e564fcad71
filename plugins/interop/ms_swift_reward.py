"""A reward as an outcome reward (ORM) of ms-swift's GRPO; ms-swift itself is not needed here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from megaasr import AnyReward

from .reward_adapter import RewardAdapter, reward_adapter


class MsSwiftReward:
    """Base of the classes that `as_ms_swift_orm` makes: constructed and called as ms-swift does with those of `orms`.

    ms-swift logs a reward under the name of its class.
    """

    adapter: RewardAdapter

    def __init__(self, args: Any = None, **kwargs: Any) -> None:
        del kwargs
        self.args = args

    def __call__(self, completions: Any, **kwargs: Any) -> list[float]:
        """One number for each completion; the errors of `RewardAdapter.numbers`."""
        return self.adapter.numbers(completions, kwargs)


def as_ms_swift_orm(
    reward: AnyReward | Path,
    *,
    reference: str | None = "auto",
    language: str = "en",
    name: str | None = None,
    abstain_score: float | None = None,
    **settings: Any,
) -> type[MsSwiftReward]:
    """A class for ms-swift's table ``orms``, whose instances are called ``orm(completions, **columns) -> list[float]``.

    The signatures are those of ``swift.rewards.orm.ORM`` of ms-swift 4.6, which constructs ``orms[NAME](args=args)``;
    ms-swift 3 has the same table as ``swift.plugin.orms``. In the file that ``--external_plugins`` names::

        from swift.rewards import orms
        from megaasr_plugins.interop.ms_swift_reward import as_ms_swift_orm

        orms["dg_wgpo"] = as_ms_swift_orm("dg_wgpo", floor=0.0)  # --reward_funcs dg_wgpo

    Columns are read as by `as_trl_reward`; those of the RL JSONL are ``solution`` (the reference), ``prediction``,
    ``base_wer``, and ``meta``, whose fields, such as ``language``, are taken as columns.

    Args:
        reward, reference, language, settings: as of `as_trl_reward`.
        name: name of the class; the name of the reward, or the stem of the YAML file, if not given.
        abstain_score: score of a sample on which the reward abstains. ms-swift declares a number for each sample, and
            adds a missing one to the others as 0, which would count among the sample's group. So without
            `abstain_score` an abstention is an error.

    Raises:
        UnknownNameError, ParameterError, ManifestError: as `reward_adapter`.

    Instances raise ParameterError where completions or columns are not as described or the reward abstains, and
    PluginError where it fails.

    >>> orm = as_ms_swift_orm("wer_accuracy", floor=0.0)()
    >>> orm(["the cat", "a b c"], solution=["the cat sat down", "x"])
    [0.5, 0.0]
    """
    adapter = reward_adapter(
        "as_ms_swift_orm",
        reward,
        settings,
        reference=reference,
        language=language,
        name=name,
        abstain_score=abstain_score,
    )
    return type(adapter.name, (MsSwiftReward,), {"adapter": adapter, "__doc__": f"The reward {adapter.name}."})
