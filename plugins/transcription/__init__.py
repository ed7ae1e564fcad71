"""Transcription at the command line."""
