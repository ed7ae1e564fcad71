"""Difference in dB between the effects and the reference libraries, in whose units the paper gives its parameters."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from megaasr import (
    Audio,
    SampleKey,
    Samples,
    SoundBank,
    find_scenario,
    installed_plugins,
    plan,
    read_audio,
    render,
    write_audio,
)
from megaasr_degradations.dsp.normals import standard_normals
from megaasr_degradations.dsp.stutter import KEEP, MUTE, stutter_events

from .oracles import EFFECTS, oracle

SPEECH = Path(__file__).parents[1] / "examples" / "clean" / "LJ001-0001.flac"
SEVERITIES = (0.0, 0.5, 1.0)


def difference_db(ours: Samples, theirs: Samples) -> float:
    """Energy of the difference relative to the energy of the reference, in dB."""
    theirs64 = theirs.astype(np.float64)
    return float(10 * np.log10(np.sum((ours - theirs64) ** 2) / np.sum(theirs64**2)))


def third_octave_difference_db(ours: Samples, theirs: Samples, sample_rate: int) -> float:
    """Largest level difference over the third-octave bands from 50 Hz to the Nyquist frequency, in dB.

    Bands more than 75 dB below the loudest are left out: they hold the aliases of the polyphase filter.
    """
    hertz = np.fft.rfftfreq(len(ours), 1 / sample_rate)
    centres = 1000.0 * 2.0 ** (np.arange(-13, 13) / 3)
    edges = [2.0 ** (-1 / 6) * centre for centre in centres if 2.0 ** (1 / 6) * centre <= sample_rate / 2]
    bands = np.searchsorted(hertz, [*edges, edges[-1] * 2.0 ** (1 / 3)])
    levels = []
    for samples in (ours, theirs):
        energy = np.concatenate([[0.0], np.cumsum(np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2)])
        levels.append(10 * np.log10(np.diff(energy[bands])))
    is_loud = levels[1] > levels[1].max() - 75.0
    return float(np.max(np.abs(levels[0] - levels[1])[is_loud]))


def ours_and_theirs(effect: str, severity: float, speech: Audio) -> tuple[Samples, Samples]:
    """The output of an effect and of its reference, on one recording with noise of the same length."""
    plugins = installed_plugins()
    key = SampleKey(0, "parity")
    noise = (0.1 * key.rng().standard_normal(len(speech.samples))).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        write_audio(Path(folder) / "noise.wav", Audio(noise, speech.sample_rate))
        banks = {"noise": SoundBank.open(folder)}
        recipe = plan(
            find_scenario(effect, plugins),
            key,
            plugins,
            num_samples=len(speech.samples),
            sample_rate=speech.sample_rate,
            severity=severity,
            banks=banks,
        )
        ours = render(speech, recipe, plugins, banks).audio.samples
    for position, step in enumerate(recipe.steps):
        if step.parameters.get("source") == "white":  # the noise that this step draws
            noise = standard_normals(len(noise), key.rng("render", position))
    return ours, oracle(speech.samples, recipe, noise)


def parity_rows() -> list[dict[str, object]]:
    """The difference of each effect (rows) at each severity (columns)."""
    speech = read_audio(SPEECH)
    return [
        {
            "effect": effect,
            **{f"severity {s:g}, dB": round(difference_db(*ours_and_theirs(effect, s, speech)), 1) for s in SEVERITIES},
        }
        for effect in EFFECTS
    ]


def drawn_rows(num_draws: int = 400) -> list[dict[str, object]]:
    """The two random effects: recording by its spectrum, dropout by its statistics against a frame-by-frame loop."""
    speech = read_audio(SPEECH)
    recording = {
        f"severity {s:g}": f"{third_octave_difference_db(*ours_and_theirs('recording', s, speech), 16_000):.2f} dB"
        for s in SEVERITIES
    }
    rows: list[dict[str, object]] = [{"what": "recording, largest third-octave difference", **recording}]
    shares: dict[str, list[list[float]]] = {"lost": [], "silent among them": []}
    for severity in SEVERITIES:
        probability, longest = 0.05 + 0.25 * severity, round(2 + 2 * severity)
        key = SampleKey(0, "dropout")
        ours = np.concatenate(
            [stutter_events(500, probability, 0.7, longest, key.rng(draw)) for draw in range(num_draws)]
        )
        theirs = np.concatenate(
            [_lost_frames(500, probability, 0.7, longest, key.rng("loop", draw)) for draw in range(num_draws)]
        )
        shares["lost"].append([float(np.mean(actions != KEEP)) for actions in (ours, theirs)])
        shares["silent among them"].append(
            [float(np.mean(actions[actions != KEEP] == MUTE)) for actions in (ours, theirs)]
        )
    for what, pairs in shares.items():
        cells = {f"severity {s:g}": f"{a:.4f} and {b:.4f}" for s, (a, b) in zip(SEVERITIES, pairs, strict=True)}
        rows.append({"what": f"dropout, share of frames {what}, ours and a loop's", **cells})
    return rows


def _lost_frames(
    num_frames: int, probability: float, repeat: float, longest: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """The actions of dropout by the frame-by-frame loop of the paper's description, with separate random draws."""
    actions = np.full(num_frames, KEEP)
    frame = 1
    while frame < num_frames:
        if rng.random() < probability:
            lost = min(int(rng.integers(1, longest + 1)), num_frames - frame)
            actions[frame : frame + lost] = frame - 1 if rng.random() < repeat else MUTE
            frame += lost
        else:
            frame += 1
    return actions
