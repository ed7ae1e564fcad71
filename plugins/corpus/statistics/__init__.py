"""Statistics of a corpus plan or a corpus."""
