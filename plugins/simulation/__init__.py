"""Simulation at the command line: degrade recordings, list scenarios."""
