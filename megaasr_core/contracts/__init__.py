"""First floor: the kinds of plugin, the hooks they register through, and the registry that holds them."""
