"""Acoustic conditions: primitives, the seven effects and the 54 scenarios."""
