"""`compose`: a composed reward from parsed YAML."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from megaasr_core.base.errors import ParameterError
from megaasr_core.base.validation import first_fault
from megaasr_core.contracts.reward import Reward
from megaasr_core.discovery.registry import Registry

from .composed_reward import ComposedReward
from .reward_terms import Abstain, Switch, Term, WordErrorRate

SWITCH = "switch"
"""Field of a term that is a switch, and its label if it has no other."""
FIELDS = (
    "the file has terms, abstain; a term has name or switch, weight, gate, label, settings; "
    "a switch has by, below, then, else"
)


class RewardChoice(BaseModel):
    """A registered reward that gates a term, or that a switch compares."""

    model_config = ConfigDict(extra="forbid")

    name: str
    settings: dict[str, Any] = {}


class TermSettings(BaseModel):
    """One entry of ``terms``, or of a side of a switch; the name of a switch is `SWITCH`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str
    switch: SwitchSettings | None = None
    weight: float = Field(1.0, ge=-1e6, le=1e6)
    gate: RewardChoice | None = None
    label: str | None = None
    settings: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _named(cls, term: object) -> object:
        if not isinstance(term, dict) or SWITCH not in term:
            return term
        for field in ("name", "settings"):
            if field in term:
                raise ValueError(f"a term has either {field} or switch")
        return {**term, "name": SWITCH}

    @field_validator("gate", mode="before")
    @classmethod
    def _with_name_alone(cls, gate: object) -> object:
        return {"name": gate} if isinstance(gate, str) else gate


class SwitchSettings(BaseModel):
    """Field ``switch`` of a term. A side is a list of terms, or a mapping from rewards to weights."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    by: RewardChoice
    below: float
    then: list[TermSettings] = Field(min_length=1)
    otherwise: list[TermSettings] = Field(alias="else", min_length=1)

    @field_validator("by", mode="before")
    @classmethod
    def _with_name_alone(cls, by: object) -> object:
        return {"name": by} if isinstance(by, str) else by

    @field_validator("then", "otherwise", mode="before")
    @classmethod
    def _as_list(cls, side: object) -> object:
        return [{"name": name, "weight": weight} for name, weight in side.items()] if isinstance(side, dict) else side


class RewardFile(BaseModel):
    """Content of the YAML file."""

    model_config = ConfigDict(extra="forbid")

    terms: list[TermSettings] = Field(min_length=1)
    abstain: Abstain = "propagate"


def compose(data: object, rewards: Registry[type[Reward]], source: object = "terms") -> ComposedReward:
    """Build a composed reward from parsed YAML.

    Raises:
        ParameterError, UnknownNameError: a wrong field, an unknown reward, a setting out of bounds, a gate that is not
            within 0..1, or a switch of which one side is never taken; in one line.
    """
    try:
        parsed = RewardFile.model_validate(data)
    except ValidationError as error:
        raise ParameterError(f"{source}: {first_fault(error)}{_nearest_field(error)} ({FIELDS})") from error
    return ComposedReward(_terms(parsed.terms, rewards), parsed.abstain)


def _nearest_field(error: ValidationError) -> str:
    from rapidfuzz import process

    fault = error.errors(include_url=False)[0]
    if fault["type"] != "extra_forbidden":
        return ""
    models: tuple[type[BaseModel], ...] = (RewardFile, TermSettings, SwitchSettings, RewardChoice)
    fields = {field.alias or name for model in models for name, field in model.model_fields.items()}
    near = process.extractOne(str(fault["loc"][-1]), sorted(fields), score_cutoff=60)
    return f"; did you mean {near[0]!r}?" if near else ""


def _terms(settings: list[TermSettings], rewards: Registry[type[Reward]]) -> tuple[Term, ...]:
    terms = []
    for term in settings:
        reward = _switch(term.switch, rewards) if term.switch else rewards[term.name].create(term.settings)
        gate = rewards[term.gate.name].create(term.gate.settings) if term.gate else None
        terms.append(Term(term.label or term.name, reward, term.weight, gate))
    return tuple(terms)


def _switch(settings: SwitchSettings, rewards: Registry[type[Reward]]) -> Switch:
    kind = WordErrorRate if settings.by.name == WordErrorRate.name else rewards[settings.by.name]
    return Switch(
        kind.create(settings.by.settings),
        settings.below,
        _terms(settings.then, rewards),
        _terms(settings.otherwise, rewards),
    )
