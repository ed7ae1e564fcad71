"""The eight signal-level operators, one a file."""
