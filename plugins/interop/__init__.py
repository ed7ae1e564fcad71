"""Corpora and plans of megaasr as objects of other libraries: torch, Hugging Face datasets, Lhotse."""
