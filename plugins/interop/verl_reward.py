"""A reward as a custom reward function of verl; verl itself is not needed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from megaasr import AnyReward, ParameterError

from .reward_adapter import reward_adapter

VerlReward = Callable[..., float]
OF_REWARD_MODEL = frozenset(("reward_router_address", "reward_model_tokenizer"))
"""What verl passes besides where a reward model is configured; a reward by rules has no use for it."""


def as_verl_score(
    reward: AnyReward | Path,
    *,
    language: str = "en",
    name: str | None = None,
    abstain_score: float | None = None,
    **settings: Any,
) -> VerlReward:
    """A function ``compute_score(data_source, solution_str, ground_truth, extra_info=None) -> float`` as verl calls it.

    The call is that of the reward managers ``naive`` and ``dapo`` of verl 0.9: by keywords, one sample a call. In the
    file that ``reward.custom_reward_function.path`` names::

        from megaasr_plugins.interop.verl_reward import as_verl_score

        compute_score = as_verl_score("dg_wgpo", floor=0.0)

    The fields of ``extra_info`` are the sample's `meta`, with ``data_source`` among them; ``extra_info["language"]``,
    where there is one, is the language of the sample, and a field ``meta`` is unfolded as by `as_ms_swift_orm`.

    Args:
        reward, language, settings: as of `as_trl_reward`.
        name: ``__name__`` of the function; the name of the reward, or the stem of the YAML file, if not given.
        abstain_score: score of a sample on which the reward abstains, such as one whose ``ground_truth`` is None. verl
            writes the score into a tensor, so that there is no way to leave a sample out: without `abstain_score` an
            abstention is an error.

    Raises:
        UnknownNameError, ParameterError, ManifestError: as `reward_adapter`.

    The function raises ParameterError where an argument is not as described, is one of verl's ``reward_kwargs``
    (settings are given here), or the reward abstains; and PluginError where the reward fails.

    >>> compute_score = as_verl_score("wer_accuracy", floor=0.0)
    >>> compute_score("noizeus", "the cat", "the cat sat down", {"index": 7})
    0.5
    """
    adapter = reward_adapter(
        "as_verl_score",
        reward,
        settings,
        reference="ground_truth",
        language=language,
        name=name,
        abstain_score=abstain_score,
    )

    def compute_score(
        data_source: Any, solution_str: Any, ground_truth: Any, extra_info: Any = None, **kwargs: Any
    ) -> float:
        if unknown := sorted(kwargs.keys() - OF_REWARD_MODEL):
            raise ParameterError(
                f"{adapter.name}: {unknown[0]!r} is no argument of compute_score; give settings to as_verl_score"
            )
        if extra_info is not None and not isinstance(extra_info, Mapping):
            raise ParameterError(
                f"{adapter.name}: extra_info must be a mapping or None, not {type(extra_info).__name__}"
            )
        row = {**(extra_info or {}), "data_source": data_source, "ground_truth": ground_truth}
        columns = {key: [value] for key, value in row.items()}
        return adapter.numbers([solution_str], columns)[0]

    compute_score.__name__ = compute_score.__qualname__ = adapter.name
    return compute_score
