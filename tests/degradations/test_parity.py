"""Six effects against pedalboard, pyloudnorm and scipy, from the same numbers and the same noise."""

from pathlib import Path

import pytest

from benchmarks.oracles import EFFECTS
from benchmarks.parity import SEVERITIES, difference_db, drawn_rows, ours_and_theirs, third_octave_difference_db
from megaasr import Audio
from megaasr_core.base.audio_files import read_audio
from megaasr_core.testing import speech_like

pytestmark = pytest.mark.oracle

EXAMPLES = Path(__file__).parents[2] / "examples"
CLIPS = ["clean/LJ001-0001.flac", "vitw/mixed.flac", "synthetic"]


def speech(clip):
    return Audio(speech_like(16_000, 3.0), 16_000, clip) if clip == "synthetic" else read_audio(EXAMPLES / clip)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("clip", CLIPS)
def test_an_effect_is_what_the_other_libraries_compute(effect, severity, clip):
    assert difference_db(*ours_and_theirs(effect, severity, speech(clip))) <= -90.0


@pytest.mark.parametrize("severity", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("clip", CLIPS)
def test_recording_is_so_too_where_nothing_is_resampled(severity, clip):
    assert difference_db(*ours_and_theirs("recording", severity, speech(clip))) <= -90.0


@pytest.mark.parametrize("severity", [0.41, 0.5, 1.0])
@pytest.mark.parametrize("clip", CLIPS)
def test_recording_has_the_same_spectrum_where_another_resampler_is_used(severity, clip):
    ours, theirs = ours_and_theirs("recording", severity, speech(clip))
    assert third_octave_difference_db(ours, theirs, 16_000) <= 0.5
    assert difference_db(ours, theirs) <= -30.0


@pytest.mark.parametrize("effect", ["noise", "echo_reverb", "distortion"])
@pytest.mark.parametrize("rate", [22_050, 48_000])
def test_at_other_rates_too(effect, rate):
    clip = Audio(speech_like(rate, 2.0), rate, "synthetic")
    assert difference_db(*ours_and_theirs(effect, 0.5, clip)) <= -90.0


def test_dropout_loses_as_much_as_a_loop_with_draws_of_its_own():
    for row in drawn_rows(200)[1:]:
        for name, cell in row.items():
            if name != "what":
                ours, theirs = map(float, cell.split(" and "))
                assert ours == pytest.approx(theirs, abs=0.03), row  # four standard errors of 200 clips of 10 s
