"""Recipes: scripts that build the data, train the models and measure them; run from the root of the repository."""
