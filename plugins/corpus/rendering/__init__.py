"""Rendering a plan to audio, and reading the samples of plans and shards."""
