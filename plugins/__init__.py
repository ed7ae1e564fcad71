"""Everything else that plugs in."""
