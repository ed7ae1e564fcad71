"""Benchmarks of speed, parity and memory; the results are written as JSON."""
