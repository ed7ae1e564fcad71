"""Condition pages: a page, a picture and a sound clip for each degradation and each scenario."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from megaasr import (
    SAMPLE_RATE_HZ,
    Degradation,
    MegaasrError,
    Plugins,
    Primitive,
    Recipe,
    RecipeStep,
    Scenario,
    Step,
    calling,
    merge,
    one_line,
)

from . import condition_sounds as sounds
from .chosen import Chosen
from .condition_sounds import Material

LEVELS = "digests.json"
SEVERITIES = (0.0, 0.5, 1.0)


def conditions(chosen: Chosen) -> list[Scenario]:
    """The chosen scenarios, and the chosen degradations that are in none by themselves; fewest effects first."""
    plugins = chosen.plugins
    those = [plugins.scenarios[name] for name in chosen.names("scenario")]
    those += [Scenario(name, (name,)) for name in chosen.names("degradation") if name not in plugins.scenarios]
    return sorted(those, key=lambda scenario: (len(scenario.effects), scenario.name))


def texts(those: list[Scenario], chosen: Chosen, material: Material) -> dict[str, str]:
    """Every text of the folder that needs no rendering, by file name."""
    pages = {f"{scenario.name}.md": page(scenario, chosen, material) for scenario in those}
    plugins = chosen.plugins
    return {
        "README.md": index(those, plugins, material),
        "index.html": gallery(those, plugins),
        **pages,
    }


def media(those: list[Scenario]) -> set[str]:
    """The pictures and clips that belong to the pages, by path below the folder."""
    names = [scenario.name for scenario in those]
    return {
        "clips/before.mp3",
        *(f"clips/{name}.mp3" for name in names),
        *(f"spectrograms/{name}.png" for name in names),
    }


def all_levels(chosen: Chosen, material: Material) -> dict[str, dict[str, list[float]]]:
    """The levels of every 'after', by which the test notices a changed condition."""
    those = conditions(chosen)
    return {one.name: sounds.levels(sounds.after(one, chosen.plugins, material)) for one in those}


def page(scenario: Scenario, chosen: Chosen, material: Material) -> str:
    """One condition's page."""
    plugins = chosen.plugins
    recipe: Recipe = sounds.planned(scenario, plugins, material)
    documented = set(chosen.names("primitive"))
    chain, dropped = merge(scenario, plugins.degradations, plugins.stacking)
    name = scenario.name
    lines = [
        f"# {name}",
        "",
        f"{material.generated} [All conditions](README.md)",
        "",
        f"{_sentence(scenario, plugins)}",
        "",
    ]
    lines += [f"Chain: {_chain(chain)}", ""]
    if left_out := ", ".join(f"{step.step} of {step.effect}" for step in dropped):
        lines += [f"Left out, since an earlier effect has the same step: {left_out}.", ""]
    lines += ["## Before and after", "", f"![Spectrograms of {name}](spectrograms/{name}.png)", ""]
    lines += [f"Listen: [before](clips/before.mp3), [after](clips/{name}.mp3).", ""]
    lines += [f"Severity {recipe.severity:g}, seed {recipe.seed}. What one hears, step by step:", ""]
    lines += [f"{place}. {_heard(one, plugins, material.lufs)}" for place, one in enumerate(recipe.steps, start=1)]
    lines += ["", "## Parameters by severity", ""]
    lines += ["| step | primitive | of | parameter | " + " | ".join(f"{one:g}" for one in SEVERITIES) + " |"]
    lines += ["| --- | --- | --- | --- |" + " --- |" * len(SEVERITIES)]
    for place, (effect, step) in enumerate(chain, start=1):
        name = step.primitive
        link = f"[{name}](../reference.md#{name})" if name in documented else name
        numbers = [step.at(severity, plugins.primitives[name]) for severity in SEVERITIES]
        for parameter in step.parameters:
            values = " | ".join(_text(row[parameter]) for row in numbers)
            lines.append(f"| {place} | {link} | {effect} | `{parameter}` | {values} |")
    lines += [
        "",
        "What is not listed is drawn or has its default. Between these severities numbers move in a straight line.",
    ]
    return "\n".join(lines) + "\n"


def index(found: list[Scenario], plugins: Plugins, material: Material) -> str:
    """The README of the folder."""
    lines = [
        "# Conditions",
        "",
        f"{material.generated} [Gallery with players](index.html), to be opened from a copy of the repository.",
        "",
        f"Every page shows the same {material.source.duration_s:g} s of speech, [before](clips/before.mp3) and after, "
        f"at severity {sounds.SEVERITY:g}, seed {sounds.SEED}, utterance `{material.source.name}`.",
        "",
        *material.notes,
        "- **Pictures**: Hann windows of 16 ms; a column is 20 ms, a row 62.5 Hz. A full-scale sine has 0 dB. All "
        "pages have the same colours, so they can be compared.",
        "- **Clips**: MP3, 40 kbit/s, mono, 16 kHz.",
        f"- **Levels**: [{LEVELS}]({LEVELS}) has those of every 'after'.{material.checked}",
        "",
        *([material.licence, ""] if material.licence else []),
        "| scenario | effects | chain | sound |",
        "| --- | --- | --- | --- |",
    ]
    for one in found:
        chain = _chain(merge(one, plugins.degradations, plugins.stacking).chain)
        is_scenario = one.name in plugins.scenarios
        count = str(len(one.effects)) if is_scenario else f"{len(one.effects)}{material.beside}"
        lines.append(f"| [{one.name}]({one.name}.md) | {count} | {chain} | [clip](clips/{one.name}.mp3) |")
    return "\n".join(lines) + "\n"


def gallery(found: list[Scenario], plugins: Plugins) -> str:
    """All conditions on one HTML page with players."""
    lines = [
        "<!doctype html>",
        '<html lang="en-GB"><head><meta charset="utf-8"><title>Conditions</title>',
        "<style>body { font-family: sans-serif; max-width: 63em; margin: auto } img { max-width: 100% }</style></head>",
        "<body><h1>Conditions</h1>",
        f"<p>Severity {sounds.SEVERITY:g}, seed {sounds.SEED}. Before: "
        '<audio controls preload="none" src="clips/before.mp3"></audio></p>',
    ]
    for one in found:
        name = html.escape(one.name)
        lines += [
            f'<h2 id="{name}">{name}</h2><p>{html.escape(_sentence(one, plugins))}</p>',
            f'<img loading="lazy" width="1002" height="330" src="spectrograms/{name}.png" alt="{name}, spectrograms">',
            f'<p><audio controls preload="none" src="clips/{name}.mp3"></audio></p>',
        ]
    return "\n".join([*lines, "</body></html>"]) + "\n"


def _sentence(scenario: Scenario, plugins: Plugins) -> str:
    effects = [plugins.degradations[name] for name in scenario.effects]
    if len(effects) == 1:
        return f"{effects[0].role.capitalize()}: {_phrase(effects[0])}."
    text = "; then ".join(f"{_phrase(effect)} ({effect.name})" for effect in effects)
    return f"{text[0].upper()}{text[1:]}."


def _phrase(effect: Degradation) -> str:
    return effect.description.strip().rstrip(".") or "no description"


def _chain(chain: tuple[tuple[str, Step], ...]) -> str:
    return " → ".join(step.label for _, step in chain)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _heard(step: RecipeStep, plugins: Plugins, lufs: float | None) -> str:
    """What a step does to the sound, from its final numbers; a primitive not known here speaks for itself."""
    unit: type[Primitive] = plugins.primitives[step.primitive]
    number = {name: field.default for name, field in unit.model_fields.items()} | step.parameters
    match step.primitive:
        case "add_noise":
            below = f"{abs(number['snr_db']):g} dB {'below' if number['snr_db'] >= 0 else 'above'} the sound so far"
            if number["source"] == "white":
                return f"Hiss over the whole band, {below}."
            noise, start_s = number["noise"]["path"], number["offset_samples"] / SAMPLE_RATE_HZ
            return f"Noise, {below}: `{noise}` from {start_s:.2f} s on."
        case "add_reverb":
            return f"The voice rings on as in {'a hall' if number['room_size'] >= 0.7 else 'a room'}."
        case "apply_filter":
            tones, side = ("High", "above") if number["type"] == "lowpass" else ("Low", "below")
            slope = f"{6 * number['repeat']} dB an octave"
            dry = "" if number["wet"] == 1 else f"; {1 - number['wet']:.0%} of the sound stays as it was"
            return f"{tones} tones lose {slope}, {side} about {number['cutoff_hz']:g} Hz{dry}."
        case "add_echo":
            return f"Everything comes back {1000 * number['delay_s']:g} ms later, and again, weaker."
        case "add_resample":
            if number["prob"] <= number["threshold"]:
                return "Nothing yet: the narrow band comes at a higher severity."
            return f"Nothing of the sound so far is left above {number['target_rate_hz'] / 2000:g} kHz."
        case "add_distortion":
            return f"Overdriven by {number['drive_db']:g} dB: rough, and quiet sounds come up towards the loud ones."
        case "add_stutter_replace":
            return (
                f"Pieces of {number['frame_ms']:g} ms are lost, up to {number['max_repeats']} in a row: "
                "the piece before them is repeated, or there is silence."
            )
        case "change_volume":
            if lufs is None:
                return f"Brought to {number['target_lufs']:g} LUFS."
            change_db = number["target_lufs"] - lufs
            than_before = (
                f"{abs(change_db):g} dB {'louder' if change_db > 0 else 'quieter'} than" if change_db else "as"
            )
            return f"Brought to {number['target_lufs']:g} LUFS, {than_before} before."
        case "codec":
            rate = f", about {number['bitrate_kbps']:g} kbit/s" if number["bitrate_kbps"] else ""
            return f"Coded and decoded ({number['codec']}{rate})."
        case "convolve_rir":
            return (
                f"{number['wet']:.0%} of the sound comes by way of the room. Its impulse response here is not measured "
                f"but made up: {sounds.RESPONSE_WORDS}."
            )
    return unit.summary()


def write(folder: Path, chosen: Chosen, material: Material) -> list[str]:
    """Write every file of the folder, and take away those of conditions that an earlier run wrote and are gone.

    Returns:
        One line for each condition that could not be planned, rendered or written.
    """
    from .spectrogram import draw

    for name in ("clips", "spectrograms"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sounds.write_clip(folder / "clips" / "before.mp3", material.source)
    earlier = [Scenario(name, (name,)) for name in _stored(folder / LEVELS)]
    by_name, those, failed = {}, [], []
    for scenario in conditions(chosen):
        try:
            with calling("condition", scenario.name):
                result = sounds.after(scenario, chosen.plugins, material)
            sounds.write_clip(folder / "clips" / f"{scenario.name}.mp3", result)
            draw(folder / "spectrograms" / f"{scenario.name}.png", material.source, result, sounds.SEVERITY)
        except MegaasrError as error:
            failed.append(f"{scenario.name}: {one_line(error)}")
            continue
        by_name[scenario.name] = sounds.levels(result)
        those.append(scenario)
    written = {**texts(those, chosen, material), LEVELS: levels_text(by_name)}
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    gone = {*media(earlier), *(f"{one.name}.md" for one in earlier)} - {*media(those), *written}
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    return failed


def _stored(path: Path) -> list[str]:
    """Names of the conditions whose levels an earlier run stored."""
    if not path.is_file():
        return []
    return [name for name, row in json.loads(path.read_text("utf-8")).items() if isinstance(row, dict)]


def levels_text(by_name: Mapping[str, Mapping[str, list[float]]]) -> str:
    """As JSON, one condition a line, so that a change can be read."""
    bands = {"third_octaves_hz": list(sounds.THIRD_OCTAVES_HZ), "span_s": sounds.SPAN_S}
    rows = {**bands, **by_name}
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()) + "\n}\n"
