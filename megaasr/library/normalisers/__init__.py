"""Normalisers of texts before they are scored, one a language family; plugins of the kind `normaliser`."""
