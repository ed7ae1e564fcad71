"""A reward as a reward function of TRL (`GRPOTrainer`, `RLOOTrainer`); TRL itself is not needed here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from megaasr import AnyReward, Score

from .reward_adapter import reward_adapter

TrlReward = Callable[..., list[Score]]


def as_trl_reward(
    reward: AnyReward | Path,
    *,
    reference: str | None = "auto",
    language: str = "en",
    name: str | None = None,
    **settings: Any,
) -> TrlReward:
    """A function ``f(prompts=None, completions=None, **columns) -> list[float | None]`` as TRL calls it.

    The call is that of TRL 1.16 (``trl.trainer.grpo_trainer.RewardFunc``). A completion is a text, or a list of
    messages ``{"role", "content"}``, of which the last of the assistant counts. A column ``language``, where there is
    one, gives the language of each sample. All other columns are the sample's `meta`. None (the reward abstains) is
    what TRL expects of a reward that does not apply to a sample.

    Args:
        reward: name of a registered reward, a `Reward`, its class, a `ComposedReward`, whose totals are returned, or
            the path of a YAML file that describes one.
        reference: column with the references; ``auto``: the first of ``reference``, ``solution`` and ``answer`` that
            is there; None: the reward gets no references.
        language: ISO 639-1 code of samples without the column.
        name: ``__name__`` of the function, under which TRL logs it; the name of the reward, or the stem of the YAML
            file, if not given.
        settings: fields of a reward that is given by name or class.

    Raises:
        UnknownNameError, ParameterError, ManifestError: as `reward_adapter`.

    The function raises ParameterError where completions or columns are not as described, and PluginError where the
    reward fails.

    >>> accuracy = as_trl_reward("wer_accuracy", floor=0.0)
    >>> accuracy.__name__, accuracy(completions=["the cat", "a b c"], solution=["the cat sat down", "x"])
    ('wer_accuracy', [0.5, 0.0])
    """
    adapter = reward_adapter("as_trl_reward", reward, settings, reference=reference, language=language, name=name)

    def trl_reward(prompts: Any = None, completions: Any = None, **columns: Any) -> list[Score]:
        del prompts
        return adapter.scores(completions, columns)

    trl_reward.__name__ = trl_reward.__qualname__ = adapter.name
    return trl_reward
