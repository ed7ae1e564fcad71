"""The seven atomic effects, one a file."""
