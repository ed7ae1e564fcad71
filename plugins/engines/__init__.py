"""Engines: run a task for many items, on one machine or on several."""
