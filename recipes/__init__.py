"""Recipes: everything from nothing to shipped weights, run from the repository's root as plain modules."""
