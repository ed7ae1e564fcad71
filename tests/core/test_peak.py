import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from megaasr.library.peak import peak_of
from megaasr_core.base.audio import check_samples
from megaasr_core.base.errors import AudioError

finite = arrays(np.float32, st.integers(0, 100), elements=st.floats(-(2.0**100), 2.0**100, width=32))


@given(finite)
def test_the_peak_is_the_largest_absolute_sample(samples):
    assert peak_of(samples, "x") == check_samples(samples) == float(np.max(np.abs(samples), initial=0.0))


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 40, 99])
def test_what_is_not_finite_is_found_and_named(bad, place):
    samples = np.linspace(-1, 1, 100, dtype=np.float32)
    samples[place] = bad
    with pytest.raises(AudioError, match=f"x: sample {place} is "):
        peak_of(samples, "x")


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 3), np.float32), np.zeros(6, np.float32)[::2], [0.0]])
def test_another_form_is_refused(wrong):
    with pytest.raises(AudioError, match="x: "):
        peak_of(wrong, "x")
