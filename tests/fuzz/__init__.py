"""Seeded fuzzing: damaged files and rows through the functions that the commands use, each case judged by one oracle.

`python -m tests.fuzz --kind audio --count 5000 --seed 1` runs a campaign; `--only 17` runs one case of it again.
"""
