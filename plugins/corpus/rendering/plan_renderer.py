"""What turns rows of a plan into sound: its recordings, its banks and its plugins, opened once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from megaasr import (
    Audio,
    AudioLimits,
    ManifestRow,
    Plugins,
    Recipe,
    RecipeError,
    Rendered,
    SoundBank,
    first_fault,
    manifest_row,
    read_row_audio,
    render,
)

from ..planning.plan_folder import PlanFolder
from ..planning.plan_index import row_of


class PlanRenderer:
    """Renders the samples of one plan; what it decodes of the banks is kept within their bounds.

    Args:
        plan: folder of the plan.
        plugins: those of the call, or files, folders and modules to load, as `PlanFolder.open_plugins` takes them; the
            plan itself has nothing loaded.

    Raises:
        ManifestError, PluginError: the plan, its banks or its plugins cannot be opened.
    """

    def __init__(self, plan: str | Path, plugins: Plugins | Sequence[str] = ()) -> None:
        folder = PlanFolder.open(plan)
        used = folder.check(plugins) if isinstance(plugins, Plugins) else folder.open_plugins(plugins)
        self._use(folder, used, folder.open_banks())

    @classmethod
    def of(cls, folder: PlanFolder, plugins: Plugins, banks: dict[str, SoundBank]) -> Self:
        """A renderer of what is open already."""
        made = cls.__new__(cls)
        made._use(folder, plugins, banks)
        return made

    def _use(self, folder: PlanFolder, plugins: Plugins, banks: dict[str, SoundBank]) -> None:
        self.folder, self._plugins, self._banks = folder, plugins, banks
        self._limits = AudioLimits(convert=folder.settings.convert)

    def render(self, planned: dict[str, Any]) -> tuple[Recipe, Rendered]:
        """Read the recording of one row of the plan and apply its recipe.

        Raises:
            MegaasrError: the recording or a sound cannot be read, or the recipe is none that can be rendered here.
        """
        recipe = recipe_of(planned)
        if recipe.sample_rate != self.folder.settings.sample_rate:
            raise RecipeError(
                f"sample {planned.get('id')}: its recipe is for {recipe.sample_rate} Hz, the plan for "
                f"{self.folder.settings.sample_rate} Hz; plan anew"
            )
        audio = read_row_audio(self._row(planned), self._limits)
        return recipe, render(audio.resampled(recipe.sample_rate), recipe, self._plugins, self._banks)

    def files(self, number: int) -> tuple[Path, ...]:
        """The files that sample `number` is made of; errors as for `sample`."""
        return self.files_of(row_of(self.folder, number))

    def files_of(self, planned: dict[str, Any]) -> tuple[Path, ...]:
        """The recording of a row, and the recorded sounds of its recipe, such as noise; they need not be there."""
        primitives = self._plugins.primitives
        sounds = [
            self._banks[bank].root / path
            for primitive, path in _sounds_of(planned)
            if primitive in primitives
            for bank in primitives[primitive].banks
            if bank in self._banks
        ]
        return (self._row(planned).audio, *sounds)

    def clean(self, number: int) -> Audio:
        """The recording that sample `number` is made of, at the plan's rate; errors as for `sample`."""
        audio = read_row_audio(self._row(row_of(self.folder, number)), self._limits)
        return audio.resampled(self.folder.settings.sample_rate)

    def _row(self, planned: dict[str, Any]) -> ManifestRow:
        return manifest_row(planned, self.folder.speech_root, f"sample {planned.get('id')}")

    def sample(self, number: int) -> Audio:
        """The sound of sample `number`, from 0; IndexError when the plan holds fewer, else as `render` raises."""
        return self.render(row_of(self.folder, number))[1].audio


def _sounds_of(planned: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Primitive and path in its bank of each recorded sound of a row's recipe, which need not be a valid one."""
    recipe = planned.get("recipe")
    steps = recipe.get("steps") if isinstance(recipe, dict) else None
    for step in steps if isinstance(steps, list) else ():
        parameters = step.get("parameters") if isinstance(step, dict) else None
        for value in parameters.values() if isinstance(parameters, dict) else ():
            if isinstance(value, dict) and isinstance(path := value.get("path"), str):
                yield str(step.get("primitive")), path


def recipe_of(planned: dict[str, Any]) -> Recipe:
    """The recipe of one row; RecipeError in one line when it holds none."""
    from pydantic import ValidationError

    try:
        return Recipe.model_validate(planned.get("recipe"))
    except ValidationError as error:
        raise RecipeError(f"sample {planned.get('id')}: not a recipe: {first_fault(error, 'the JSON')}") from error


def described(recipe: Recipe) -> dict[str, Any]:
    """What a rendered row says of its recipe: ``scenario``, ``severity``, ``effects``."""
    effects = list(dict.fromkeys(step.effect for step in recipe.steps))
    return {"scenario": recipe.scenario, "severity": recipe.severity, "effects": effects}
