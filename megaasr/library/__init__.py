"""The library for plugin authors: files, run folders, progress, text, alignment, options of commands.

Plugins import its names from `megaasr` and `megaasr.commands`.
"""
