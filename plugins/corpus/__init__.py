"""A corpus: planned as recipes, rendered in shards, labelled and cut into training manifests."""
