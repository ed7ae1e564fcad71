"""Numerical kernels of the primitives; compiled by numba at first use and cached on disk."""
