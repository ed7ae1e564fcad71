"""Which rewards `megaasr reward` scores, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from megaasr import MegaasrError, ParameterError, Registry, Reward, calling, unknown_name


def settings_by_reward(settings: Mapping[str, Any], rewards: Registry[type[Reward]]) -> dict[str, dict[str, Any]]:
    """``{"REWARD.FIELD": value}`` by reward.

    Raises:
        ParameterError, UnknownNameError: not of that form, or no such reward or field; the nearest is suggested.
    """
    result: dict[str, dict[str, Any]] = {}
    for key, value in settings.items():
        name, dot, parameter = key.partition(".")
        if not (name and dot and parameter):
            raise ParameterError(f"--reward-set {key}={value}: write REWARD.FIELD=VALUE, e.g. NAME.{key}={value}")
        fields = rewards[name].model_fields
        if parameter not in fields:
            raise unknown_name(f"parameter of reward {name}:", parameter, fields)
        result.setdefault(name, {})[parameter] = value
    return result


def chosen_rewards(
    rewards: Registry[type[Reward]], names: Sequence[str] | None, settings: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Reward], list[str]]:
    """The rewards to score by name, and a line for each that is left out.

    A reward that cannot be built without settings is left out where the caller names it neither in `names` nor in
    `settings`, and is an error where they do.

    Args:
        names: the rewards that are asked for; all if none.
        settings: fields by reward.

    Raises:
        ParameterError, UnknownNameError: no such reward, a required field without value, a value out of bounds, or
            settings of a reward that is not asked for.
    """
    for name in settings:
        if names and name not in names:
            raise ParameterError(f"--reward-set {name}.{next(iter(settings[name]))}: add --reward {name}")
    built: dict[str, Reward] = {}
    left_out: list[str] = []
    for name in dict.fromkeys(names or rewards):
        try:
            built[name] = _built(rewards[name], settings.get(name, {}))
        except MegaasrError as error:
            if names or name in settings:
                raise
            left_out.append(f"{error}; it is left out")
    return built, left_out


def _built(reward: type[Reward], settings: Mapping[str, Any]) -> Reward:
    for parameter, info in reward.model_fields.items():
        if info.is_required() and parameter not in settings:
            raise ParameterError(
                f"reward {reward.name} needs the setting {parameter!r}: "
                f"give --reward-set {reward.name}.{parameter}=VALUE"
            )
    with calling("reward", reward.name):
        return reward.create(dict(settings))
