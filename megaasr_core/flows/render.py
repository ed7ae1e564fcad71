"""`render` does what a recipe says and draws no parameter; equal recipe, equal input, equal bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from megaasr.library.peak import peak_of

from ..base.audio import Audio
from ..base.errors import AudioError, PluginError, RecipeError
from ..base.sound_bank import SoundBank
from ..contracts.calls import calling
from ..contracts.primitive import ApplyContext, Primitive
from ..contracts.recipe import Recipe, RecipeStep
from ..discovery.plugins import Plugins
from ..discovery.registry import IN_TREE, not_installed


@dataclass(frozen=True)
class Rendered:
    """A degraded sample.

    Args:
        audio: the result, at the input's rate.
        flags: what could not be done as asked, or what a file format would cut; sorted, e.g. ``over_full_scale``.
        peak: largest absolute sample.
    """

    audio: Audio
    flags: tuple[str, ...]
    peak: float


def render(audio: Audio, recipe: Recipe, plugins: Plugins, banks: Mapping[str, SoundBank] | None = None) -> Rendered:
    """Apply a recipe.

    A peak beyond full scale is flagged and left as it is: cutting it would be one more, unrecorded, distortion.

    Raises:
        RecipeError: planned for another rate or length or by another revision of a primitive, or its sounds are gone.
        UnknownNameError: a primitive that is not installed.
        PluginError: a primitive that returns what its contract forbids.
    """
    if (audio.sample_rate, len(audio.samples)) != (recipe.sample_rate, recipe.num_samples):
        raise RecipeError(
            f"{audio.name}: {len(audio.samples)} samples at {audio.sample_rate} Hz, but the recipe was planned for "
            f"{recipe.num_samples} at {recipe.sample_rate} Hz; give the recording that it was made for"
        )
    flags: set[str] = set()
    samples, key = audio.samples, recipe.key
    peak = float(np.max(np.abs(samples), initial=0.0)) if not recipe.steps else 0.0
    for position, step in enumerate(recipe.steps):
        unit = _unit(step, recipe, plugins)
        before = len(samples)
        owned = samples.flags.writeable and not np.may_share_memory(samples, audio.samples)
        context = ApplyContext(partial(key.rng, "render", position), banks or {}, flags.add, owned, step.primitive)
        with calling("primitive", step.primitive, audio.name):
            samples = unit.apply(samples, audio.sample_rate, context)
        try:
            peak = peak_of(samples, f"output of primitive {step.primitive}")
        except AudioError as error:
            raise PluginError(str(error)) from error
        if len(samples) != before and "length" not in unit.changes:
            raise PluginError(
                f"primitive {step.primitive}: {audio.name}: returns {len(samples)} samples for {before}; keep the "
                "length, or declare changes = {'length'}"
            )
    if peak > 1.0:
        flags.add("over_full_scale")
    return Rendered(Audio.of_checked(samples, audio.sample_rate, audio.name), tuple(sorted(flags)), peak)


def _unit(step: RecipeStep, recipe: Recipe, plugins: Plugins) -> Primitive:
    if step.primitive not in plugins.primitives:
        others = {name: version for name, version in recipe.versions.items() if name != IN_TREE and version != "-"}
        used = ", ".join(f"{name} {version}" for name, version in others.items())  # of a recipe without origins
        origin = recipe.origins.get(step.primitive) or used
        if origin:
            raise not_installed(f"primitive {step.primitive!r}", origin, "the recipe")
    primitive = plugins.primitives[step.primitive]
    origin, now = recipe.origins.get(step.primitive, ""), plugins.primitives.owner(step.primitive)
    if now.digest and "(digest " in origin and f"(digest {now.digest[:8]})" not in origin:
        raise RecipeError(
            f"primitive {step.primitive} has changed since the recipe was made with {origin}, now it comes from "
            f"{now.origin}; give the plugin as it was, or make the recipe anew"
        )
    if primitive.revision != step.revision:
        raise RecipeError(
            f"the recipe uses revision {step.revision} of {step.primitive}, but revision {primitive.revision} is "
            f"installed, whose output differs; install the version of {now.distribution} that made it"
        )
    return primitive.create(step.parameters)
