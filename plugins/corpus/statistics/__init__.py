"""Statistics of a plan or a corpus."""
