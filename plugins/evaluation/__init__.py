"""Evaluation: score transcripts against references, summarise with intervals, compare systems."""
