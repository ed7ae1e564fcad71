"""`plan` draws: from a scenario, a severity and a key to a recipe in which every number is fixed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..base.seeding import SampleKey
from ..base.severity import Choice, Range, check_severity, severity_from
from ..base.sound_bank import SoundBank
from ..contracts.degradation import Step, number_at
from ..contracts.primitive import DrawContext, Primitive
from ..contracts.recipe import Recipe
from ..contracts.scenario import Scenario, merge
from ..discovery.plugins import Plugins
from ..discovery.registry import IN_TREE


def plan(
    scenario: Scenario,
    key: SampleKey,
    plugins: Plugins,
    *,
    num_samples: int,
    sample_rate: int,
    severity: float | None = None,
    curve: str = "linear",
    banks: Mapping[str, SoundBank] | None = None,
) -> Recipe:
    """Plan one degraded sample; the same arguments and version of numpy give the same recipe.

    Args:
        scenario: what to compose.
        key: seed, utterance and epoch; every draw comes from generators derived from it.
        num_samples, sample_rate: of the utterance.
        severity: in [0, 1]; None draws x ~ U(0, 1) and maps it by `curve` (Mega-ASR).
        banks: recorded sounds by name, e.g. ``noise``, for primitives that need them.

    Raises:
        ScenarioError, UnknownNameError: the scenario cannot be composed.
        ParameterError: a number outside its primitive's bounds.
        RecipeError: a bank is needed and not given.
    """
    return Planner(scenario, plugins, banks).plan(
        key, num_samples=num_samples, sample_rate=sample_rate, severity=severity, curve=curve
    )


class Planner:
    """A scenario made ready for many samples: what does not depend on the sample is looked up once, with its errors."""

    def __init__(self, scenario: Scenario, plugins: Plugins, banks: Mapping[str, SoundBank] | None = None) -> None:
        self.scenario = scenario
        self._banks = banks or {}
        chain, self.dropped = merge(scenario, plugins.degradations, plugins.stacking)
        self._steps = [_Step(effect, step, plugins.primitives[step.primitive]) for effect, step in chain]
        owners = {step.primitive: plugins.primitives.owner(step.primitive) for _, step in chain}
        everyone = [*owners.values(), *(plugins.degradations.owner(effect) for effect, _ in chain)]
        self.versions = dict(sorted((owner.distribution, owner.version) for owner in everyone))
        self._origins = {name: its.origin for name, its in owners.items() if its.distribution != IN_TREE}

    def plan(
        self,
        key: SampleKey,
        *,
        num_samples: int,
        sample_rate: int,
        severity: float | None = None,
        curve: str = "linear",
    ) -> Recipe:
        """Plan one sample, as the function `plan` does, with the errors that concern a sample."""
        drawn = severity_from(key.rng("severity").random(), curve) if severity is None else check_severity(severity)
        steps = []
        for position, step in enumerate(self._steps):
            source = partial(key.rng, "plan", position)  # a generator costs as much as the rest of a step
            size = num_samples, sample_rate
            context = DrawContext(source, *size, self._banks, step.primitive) if step.may_draw else None
            steps.append(step.resolved(drawn, context))
        return Recipe(
            utterance=key.utterance,
            seed=key.seed,
            epoch=key.epoch,
            scenario=self.scenario.name,
            severity=drawn,
            sample_rate=sample_rate,
            num_samples=num_samples,
            steps=steps,  # checked and copied by the model, as from JSON
            dropped=self.dropped,
            versions=self.versions,
            origins=self._origins,
        )


class _Step:
    """A step of the merged chain, with its numbers parted into those that move and those that stay."""

    def __init__(self, effect: str, step: Step, primitive: type[Primitive]) -> None:
        own: Any = primitive.draw
        inherited: Any = Primitive.draw
        self.may_draw = getattr(own, "__func__", own) is not inherited.__func__
        self.primitive = step.primitive
        self._primitive = primitive
        self._numbers = dict(step.parameters)
        integers = primitive.integer_fields()
        moving = [(name, number) for name, number in self._numbers.items() if isinstance(number, (Range, Choice))]
        self._moving = [(name, number, name in integers) for name, number in moving]
        self._head = {"primitive": step.primitive, "revision": primitive.revision, "effect": effect}
        self._always: dict[str, Any] | None = None

    def resolved(self, severity: float, context: DrawContext | None) -> dict[str, Any]:
        """The step of the recipe, as `RecipeStep` takes it; it checks the numbers."""
        if self._always is not None:
            return self._always
        numbers = self._numbers.copy()
        for name, number, is_integer in self._moving:
            numbers[name] = number_at(number, severity, is_integer=is_integer)
        if context is not None:
            numbers = self._primitive.draw(numbers, context)
        step = {**self._head, "parameters": self._primitive.create(numbers).model_dump(mode="json")}
        if not self._moving and not self.may_draw:
            self._always = step
        return step
