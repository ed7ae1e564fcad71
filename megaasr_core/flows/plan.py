"""`plan` draws: from a scenario, a severity and a key to a recipe in which every number is fixed."""

from __future__ import annotations

from collections.abc import Mapping

from ..base.seeding import SampleKey
from ..base.severity import check_severity, severity_from
from ..base.sound_bank import SoundBank
from ..contracts.plugins import Plugins
from ..contracts.primitive import DrawContext
from ..contracts.recipe import Recipe, RecipeStep
from ..contracts.scenario import Scenario, merge


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
    """Plan one degraded sample; the same arguments give the same recipe on every machine.

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
    chain = merge(scenario, plugins.degradations, plugins.stacking)
    drawn = severity_from(key.rng("severity").random(), curve) if severity is None else check_severity(severity)
    steps = []
    versions: dict[str, str] = {}
    for position, (effect, step) in enumerate(chain):
        primitive = plugins.primitives[step.primitive]
        context = DrawContext(key.rng("plan", position), num_samples, sample_rate, banks or {})
        unit = primitive.create(primitive.draw(step.at(drawn), context))
        parameters = unit.model_dump(mode="json")
        steps.append(
            RecipeStep(primitive=step.primitive, revision=primitive.revision, effect=effect, parameters=parameters)
        )
        for owner in (plugins.primitives.owner(step.primitive), plugins.degradations.owner(effect)):
            versions[owner.distribution] = owner.version
    return Recipe(
        utterance=key.utterance,
        seed=key.seed,
        epoch=key.epoch,
        scenario=scenario.name,
        severity=drawn,
        sample_rate=sample_rate,
        num_samples=num_samples,
        steps=tuple(steps),
        versions=dict(sorted(versions.items())),
    )


def find_scenario(name: str, plugins: Plugins) -> Scenario:
    """The registered scenario of that name, or the composition that ``effect+effect`` spells out, walked in that order.

    Raises:
        UnknownNameError: a name that is neither scenario nor effect.
        ScenarioError: two anchors, or an effect twice.
    """
    if name in plugins.scenarios or ("+" not in name and name not in plugins.degradations):
        return plugins.scenarios[name]
    scenario = Scenario(name, tuple(part.strip() for part in name.split("+")))
    merge(scenario, plugins.degradations, plugins.stacking)
    return scenario
