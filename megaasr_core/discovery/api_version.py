"""The version of the plugin API, and the check of the version that a plugin asks for; see docs/plugin-api.md."""

from __future__ import annotations

from .. import __version__
from ..base.errors import PluginError

PLUGIN_API = (1, 0)
"""(major, minor). Minor: names and hooks were added. Major: some were removed or changed after a deprecation."""


def check_api(plugin: object) -> None:
    """Compare ``PLUGIN_API = (major, minor)``, which a plugin module may define, with this version.

    Raises:
        PluginError: another major version, a newer minor version, or a value of another form.
    """
    asked = getattr(plugin, "PLUGIN_API", None)
    if asked is None:
        return
    if not (isinstance(asked, tuple) and len(asked) == 2 and all(type(part) is int for part in asked)):
        raise PluginError(f"PLUGIN_API = {asked!r}: a tuple (major, minor) is expected, e.g. {PLUGIN_API}")
    here = f"this is megaasr {__version__} with plugin API {_shown(PLUGIN_API)}"
    if asked[0] < PLUGIN_API[0]:
        raise PluginError(f"was written for plugin API {_shown(asked)}, {here}; install a newer release of the plugin")
    if asked > PLUGIN_API:
        raise PluginError(f"needs megaasr >= the release with plugin API {_shown(asked)}, {here}; upgrade megaasr")


def _shown(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
