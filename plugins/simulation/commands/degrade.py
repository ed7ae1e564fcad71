"""`megaasr degrade`: one recording in, one degraded recording out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from megaasr.commands import (
    BankOption,
    NoiseOption,
    PluginOption,
    RirOption,
    StrictOption,
    named_banks,
    open_plugins,
    say,
)


def degrade(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="Recording to degrade.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Where to write it: .wav (32-bit float) or .flac.")],
    scenario: Annotated[
        str | None, typer.Option(help="A name of `megaasr scenarios`, effect+effect, or a .yaml file.")
    ] = None,
    severity: Annotated[
        float | None, typer.Option(help="0 (easy) to 1 (hard); drawn from the seed if left out.")
    ] = None,
    curve: Annotated[
        str | None,
        typer.Option(help="For a drawn severity: linear (default), sqrt-forward, sqrt-backward, gaussian-mid."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed draws another degradation; 0 if left out.")] = None,
    utterance: Annotated[
        str | None, typer.Option(help="Key of the draws beside the seed; the file's stem if left out.")
    ] = None,
    bank: BankOption = None,
    noise: NoiseOption = None,
    rir: RirOption = None,
    recipe: Annotated[bool, typer.Option("--recipe", help="Print the recipe as JSON.")] = False,
    from_recipe: Annotated[
        Path | None, typer.Option(help="Replay this recipe; bit for bit with equal library versions and CPU.")
    ] = None,
    convert: Annotated[bool, typer.Option("--convert", help="Mix channels to mono and resample to 16 kHz.")] = False,
    plugin: PluginOption = None,
    strict_plugins: StrictOption = False,
) -> None:
    """Degrade a recording by a scenario, or replay a recipe.

    Example: megaasr degrade clean.flac noisy.wav --scenario far_field+noise --severity 0.7 --seed 1 --noise noises/
    """
    from megaasr import (
        SAMPLE_RATE_HZ,
        AudioLimits,
        ParameterError,
        Recipe,
        SampleKey,
        SoundBank,
        check_format,
        held_outputs,
        merge,
        on_compiling,
        open_scenario,
        plan,
        read_audio,
        read_text,
        render,
        write_audio,
    )

    if (scenario is None) == (from_recipe is None):
        raise ParameterError("give either --scenario NAME or --from-recipe FILE")
    if from_recipe is not None and any(given is not None for given in (severity, curve, seed, utterance)):
        raise ParameterError("a recipe fixes severity, seed and utterance: leave them out with --from-recipe")
    if severity is not None and curve is not None:
        raise ParameterError("--curve maps a drawn severity: leave out --severity or --curve")
    plugins = open_plugins(plugin, strict_plugins)
    chosen = open_scenario(scenario, plugins) if scenario is not None else None
    check_format(target)
    context.with_resource(held_outputs([target], [source]))
    audio = read_audio(source, AudioLimits(convert=convert))
    if convert:
        audio = audio.resampled(SAMPLE_RATE_HZ)
    if from_recipe is not None:
        made = Recipe.parse(read_text(from_recipe), from_recipe)
        used = [step.primitive for step in made.steps]
    elif chosen is not None:
        used = [step.primitive for _, step in merge(chosen, plugins.degradations, plugins.stacking).chain]
    named = named_banks(bank, noise, rir, plugins, used)
    banks = {name: SoundBank.open(source) for name, source in named.items()}
    if chosen is not None:
        key = SampleKey(seed or 0, utterance or source.stem)
        made = plan(
            chosen,
            key,
            plugins,
            num_samples=len(audio.samples),
            sample_rate=audio.sample_rate,
            severity=severity,
            curve=curve or "linear",
            banks=banks,
        )
    on_compiling(lambda line: say(f"megaasr: note: {line}"))
    rendered = render(audio, made, plugins, banks)
    write_audio(target, rendered.audio)
    for dropped in made.dropped:
        say(f"megaasr: note: {dropped}")
    if rendered.flags:
        say(f"megaasr: note: {target}: {', '.join(rendered.flags)} (peak {rendered.peak:.3g})")
    if recipe:
        sys.stdout.write(made.model_dump_json(indent=2) + "\n")
