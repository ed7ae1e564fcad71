"""Megaasr's corpora in the forms that other libraries take."""
