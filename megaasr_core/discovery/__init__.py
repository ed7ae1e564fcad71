"""Discovery: the kinds of plugin, the hooks they register through, the registries, and loading."""
