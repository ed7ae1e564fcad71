"""Numerical kernels of the primitives; compiled by numba at first use and cached on disk."""

from pathlib import Path

from megaasr import use_kernel_cache

use_kernel_cache(Path(__file__).parent)
