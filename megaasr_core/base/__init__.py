"""Base layer; imports nothing else from megaasr."""
