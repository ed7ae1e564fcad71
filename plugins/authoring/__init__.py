"""Tools for plugin authors: new packages, checks of the installation."""
