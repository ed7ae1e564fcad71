"""Primitives: the signal operators, one per file."""
