"""Reward terms, one a file."""
