"""Roof: thin commands; everything they do is a flow."""
