"""Planning a corpus: which recording meets which scenario, as shards of recipes."""
