"""The five effects without draws of their own against pedalboard and pyloudnorm, from the same numbers."""

from pathlib import Path

import pytest

from benchmarks.oracles import EFFECTS
from benchmarks.parity import SEVERITIES, effect_difference_db
from megaasr_core.base.audio_files import read_audio

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.oracle
@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("clip", ["clean/LJ001-0001.flac", "vitw/mixed.flac"])
def test_an_effect_is_what_the_other_libraries_compute(effect, severity, clip):
    assert effect_difference_db(effect, severity, read_audio(EXAMPLES / clip)) <= -90.0
