"""The public corpora that `megaasr corpus fetch` supports, one file each; plugins of the kind `corpus_source`."""
