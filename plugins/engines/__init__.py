"""Engines: the same task over many items, on one machine or on many."""
