"""Labelling a corpus with the base model's errors, and selecting rows by them."""
