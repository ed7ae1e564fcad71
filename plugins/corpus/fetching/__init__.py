"""Fetching of public corpora: download, verify, unpack, write a manifest."""
