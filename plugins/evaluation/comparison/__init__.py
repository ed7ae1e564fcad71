"""Comparison of several systems with one base."""
