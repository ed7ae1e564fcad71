"""Kernels read without bounds checks: here the clip lies between two pages that must not be touched."""

import ctypes
import mmap
import sys

import numpy as np
import pytest

from megaasr.library.peak import peak_of
from megaasr_degradations.dsp.echo import echo
from megaasr_degradations.dsp.first_order import first_order
from megaasr_degradations.dsp.freeverb import freeverb
from megaasr_degradations.dsp.loudness import integrated_loudness
from megaasr_degradations.dsp.mixing import mixed, rms, with_noise
from megaasr_degradations.dsp.overdrive import overdrive
from megaasr_degradations.dsp.stutter import apply_stutter, stutter_events

PAGE = mmap.PAGESIZE
SIZES = [*range(35), 255, 256, 257, 511, 513, 2_047, 2_049, 4_096, 6_399, 6_401, 16_001]
KERNELS = {
    "lowpass": lambda x, rate: first_order(x, rate, "lowpass", 0.2 * rate, 3),
    "highpass": lambda x, rate: first_order(x, rate, "highpass", 20.0, 6),
    "freeverb": lambda x, rate: freeverb(x, rate, 1.0, 1.0, 1.0, 1.0),
    "echo": lambda x, rate: echo(x, rate, 16.5 / rate, 0.9, 0.5),
    "close echo": lambda x, rate: echo(x, rate, 15.5 / rate, 0.9, 0.5),
    "loudness": integrated_loudness,
    "rms": lambda x, _: rms(x),
    "mixed": lambda x, _: mixed(x, 0.5, x, 0.5),
    "with_noise": lambda x, _: with_noise(x, x, 3.0, 1.0)[0],
    "overdrive": lambda x, _: overdrive(x, 100.0, 1.0),
    "stutter": lambda x, _: apply_stutter(x, 16, stutter_events(len(x) // 16, 0.5, 0.7, 3, np.random.default_rng(0))),
    "peak": lambda x, _: peak_of(x, "x"),
}


def fenced(samples: np.ndarray, at_the_end: bool) -> np.ndarray:
    """A copy that begins or ends where a page begins that may not be read; to touch it ends the process."""
    pages = max(1, -(-samples.nbytes // PAGE))
    memory = mmap.mmap(-1, (pages + 2) * PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    for fence in (address, address + (pages + 1) * PAGE):
        assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(fence), ctypes.c_size_t(PAGE), 0) == 0
    start = (pages + 1) * PAGE - samples.nbytes if at_the_end else PAGE
    copy = np.frombuffer(memory, np.float32, len(samples), start)
    copy[:] = samples
    return copy


@pytest.mark.skipif(sys.platform != "linux", reason="pages are fenced by mprotect")
@pytest.mark.parametrize("at_the_end", [True, False])
@pytest.mark.parametrize("kernel", KERNELS)
def test_no_kernel_reads_beyond_the_clip(kernel, at_the_end):
    noise = (0.1 * np.random.default_rng(0).standard_normal(max(SIZES))).astype(np.float32)
    for size in SIZES:
        for rate in (8_000, 11_025, 48_000):
            samples = fenced(noise[:size], at_the_end)
            result = KERNELS[kernel](samples, rate)
            np.testing.assert_array_equal(samples, noise[:size])  # nor does it write into it
            expected = KERNELS[kernel](noise[:size].copy(), rate)
            np.testing.assert_array_equal(result, expected)
