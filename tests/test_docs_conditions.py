"""The generated pages of docs/conditions/ say what the plugins do now."""

from __future__ import annotations

import importlib.util
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from megaasr import Audio, AudioError, Plugins, load_plugins
from megaasr.library.scenarios import find_scenario
from megaasr_core.base.audio_files import read_audio
from megaasr_core.flows.plan import plan
from megaasr_core.flows.render import render
from megaasr_plugins.authoring import condition_pages as pages
from megaasr_plugins.authoring import condition_sounds as sounds
from megaasr_plugins.authoring import spectrogram
from megaasr_plugins.authoring.chosen import Chosen, of_distribution

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "conditions"
STALE = "run `make docs`"
TOLERANCE_DB = 0.2
CODEC_TOLERANCE_DB = 1.0
"""An encoder decides anew what to leave out with each of its own versions."""
SIZE_LIMIT_BYTES = 4_000_000


@pytest.fixture(scope="module")
def generate():
    """The script docs/generate.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """With a third party's condition beside megaasr's own, which our pages must not show."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MEGAASR_PLUGINS", raising=False)
        return load_plugins([str(Path(__file__).parent / "core" / "tone_plugin.py")])


@pytest.fixture(scope="module")
def own(plugins) -> Chosen:
    return of_distribution(plugins)


@pytest.fixture(scope="module")
def material(generate):
    with generate.own_material() as opened:
        yield opened


@pytest.fixture(scope="module")
def texts(own, material) -> dict[str, str]:
    return pages.texts(pages.conditions(own), own, material)


def stored_levels() -> dict[str, dict[str, list[float]]]:
    stored = json.loads((FOLDER / "digests.json").read_text(encoding="utf-8"))
    return {name: row for name, row in stored.items() if isinstance(row, dict)}


def largest_difference_db(one: dict[str, list[float]], other: dict[str, list[float]]) -> float:
    assert one.keys() == other.keys()
    return max(float(np.max(np.abs(np.subtract(one[kind], other[kind])))) for kind in one)


def test_each_degradation_and_each_scenario_has_one_page(own, plugins):
    names = [one.name for one in pages.conditions(own)]
    own_names = {
        name
        for registry in (plugins.degradations, plugins.scenarios)
        for name in registry
        if registry.owner(name).distribution == "megaasr"
    }
    assert len(names) == len(set(names))
    assert set(names) == own_names
    assert "room" in plugins.degradations
    assert "room" not in names
    assert {"measured_room", "voip", "noise", "obstructed+noise+recording+distortion+dropout"} <= set(names)


def test_every_text_is_up_to_date(texts):
    for name, text in texts.items():
        assert (FOLDER / name).is_file(), f"{name} is missing: {STALE}"
        assert (FOLDER / name).read_text(encoding="utf-8") == text, f"{name}: {STALE}"


def test_no_file_is_missing_or_left_over(own, texts):
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert there == {*texts, *pages.media(pages.conditions(own)), "digests.json"}, STALE


def test_every_condition_sounds_as_its_page_shows(own, plugins, material):
    stored, now = stored_levels(), pages.all_levels(own, material)
    assert stored.keys() == now.keys(), STALE
    for scenario in pages.conditions(own):
        primitives = {step.primitive for effect in scenario.effects for step in plugins.degradations[effect].chain}
        allowed = CODEC_TOLERANCE_DB if "codec" in primitives else TOLERANCE_DB
        difference = largest_difference_db(stored[scenario.name], now[scenario.name])
        assert difference <= allowed + 1e-9, f"{scenario.name} differs by {difference:.1f} dB: {STALE}"


@pytest.mark.parametrize("name", ["noise", "far_field", "recording", "distortion", "dropout", "obstructed"])
def test_the_levels_tell_a_changed_condition(name, plugins, material):
    source = material.source
    recipe = plan(
        find_scenario(name, plugins),
        material.key,
        plugins,
        num_samples=len(source.samples),
        sample_rate=source.sample_rate,
        severity=sounds.SEVERITY + 0.1,
        banks=material.banks,
    )
    changed = sounds.levels(render(source, recipe, plugins, material.banks).audio)
    assert largest_difference_db(changed, stored_levels()[name]) > 2 * TOLERANCE_DB


def test_levels_of_a_full_scale_sine():
    time_s = np.arange(48_000) / 16_000
    sine = Audio(np.sin(2.0 * np.pi * 1000.0 * time_s).astype(np.float32), 16_000)
    found = sounds.levels(sine)
    at_1_khz = sounds.THIRD_OCTAVES_HZ.index(1000.0)
    assert found["third_octaves_db"][at_1_khz] == -3.0
    assert set(found["third_octaves_db"][:at_1_khz] + found["third_octaves_db"][at_1_khz + 1 :]) == {sounds.FLOOR_DB}
    assert found["spans_db"] == [-3.0] * 10


def test_the_source_is_as_loud_as_the_pages_say(material):
    from megaasr_degradations.dsp.loudness import integrated_loudness

    source = material.source
    assert integrated_loudness(source.samples, source.sample_rate) == pytest.approx(material.lufs, abs=0.1)


def test_the_made_up_room_is_as_the_pages_say():
    response = sounds.room_response()
    tail = response.samples[1:].astype(np.float64)
    assert response.samples[0] == 1.0
    assert np.sum(tail**2) == pytest.approx(1.0, rel=1e-3)
    remaining_db = 10.0 * np.log10(np.cumsum(tail[::-1] ** 2)[::-1])  # Schroeder's backward integral
    drop_db = remaining_db[0] - remaining_db[round(0.25 * response.sample_rate)]
    assert drop_db == pytest.approx(60.0 * 0.25 / sounds.RT60_S, abs=2.0)


def test_clips_are_the_sounds_that_were_measured(own):
    stored = stored_levels()
    for name in [one.name for one in pages.conditions(own)]:
        clip = read_audio(FOLDER / "clips" / f"{name}.mp3")
        assert clip.sample_rate == 16_000
        power = np.sum(10.0 ** (np.array(stored[name]["spans_db"]) / 10.0)) / len(stored[name]["spans_db"])
        level_db = 10.0 * np.log10(np.mean(clip.samples.astype(np.float64) ** 2))
        assert level_db == pytest.approx(10.0 * np.log10(power), abs=1.0), f"{name}: {STALE}"


def test_pictures_are_pngs_of_one_size(own):
    for name in [one.name for one in pages.conditions(own)]:
        head = (FOLDER / "spectrograms" / f"{name}.png").read_bytes()[:24]
        assert head[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", head[16:]) == (1002, 330)


def test_links_lead_to_files(texts):
    for name, text in texts.items():
        for link in re.findall(r'\]\(([^)#]+)(?:#[a-z_]+)?\)|src="([^"]+)"', text):
            assert (FOLDER / (link[0] or link[1])).is_file(), f"{name}: {link}"


def test_the_folder_is_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < SIZE_LIMIT_BYTES


def test_spectrogram_has_its_levels_and_lost_frames_in_their_places():
    time_s = np.arange(16_000) / 16_000
    samples = np.sin(2.0 * np.pi * 1000.0 * time_s).astype(np.float32)
    samples[5 * 320 : 6 * 320] = 0.0
    levels = spectrogram.spectrogram_db(Audio(samples, 16_000))
    assert levels.shape == (128, 50)
    assert np.delete(levels[16], 5) == pytest.approx(np.zeros(49), abs=0.01)  # 16 rows of 62.5 Hz are 1 kHz
    assert np.all(levels[:, 5] == -200.0)
    assert np.max(levels[20:]) < -60.0


def test_equal_sounds_make_equal_files(material, tmp_path):
    pytest.importorskip("matplotlib")
    source = material.source
    for name in ("one", "two"):
        spectrogram.draw(tmp_path / f"{name}.png", source, source, 0.5)
        sounds.write_clip(tmp_path / f"{name}.mp3", source)
    for suffix in ("png", "mp3"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()


def test_a_clip_that_would_be_cut_is_refused(tmp_path):
    with pytest.raises(AudioError, match=r"the peak is 1\.5"):
        sounds.write_clip(tmp_path / "loud.mp3", Audio(np.full(1600, 1.5, np.float32), 16_000))
