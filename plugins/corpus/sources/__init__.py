"""The public corpora that `megaasr corpus fetch` knows, one file each; plugins of the kind `corpus_source`."""
