"""The numerical kernels under the primitives; compiled by numba at first use and cached on disk."""
