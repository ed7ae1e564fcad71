"""The kinds of plugin: what each is given, returns and raises."""
