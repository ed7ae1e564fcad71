"""Random numbers of rendering: what numpy's generator gives today, and will give whatever its version."""

import numpy as np
import pytest

from megaasr import SampleKey
from megaasr_degradations.dsp.raw_draws import uniforms, words

# From the definition of Philox 4x64-10, as numpy 2.4 gives them for the key of SampleKey(1, "utt-7").rng("render", 0).
RAW = [17638701686082537106, 10942370332796476014, 8583951880838309352, 6753978851776851565]


def generator():
    return SampleKey(1, "utt-7").rng("render", 0)


def test_the_raw_stream_is_the_recorded_one():
    assert [int(number) for number in generator().bit_generator.random_raw(4)] == RAW


def test_numbers_are_made_of_the_raw_stream_alone():
    assert words(generator(), 4).tolist() == [RAW[0] & 0xFFFFFFFF, RAW[0] >> 32, RAW[1] & 0xFFFFFFFF, RAW[1] >> 32]
    assert uniforms(generator(), 4).tolist() == [(number >> 11) / 2**53 for number in RAW]


@pytest.mark.parametrize("seed", range(5))
def test_recipes_of_earlier_versions_keep_their_bits(seed):
    key = SampleKey(seed, "x")
    drawn = key.rng("render").integers(0, 2**32, 4, dtype=np.uint32)
    assert words(key.rng("render"), 4).tolist() == drawn.tolist()
    assert uniforms(key.rng("render"), 30).tolist() == key.rng("render").random(30).tolist()
