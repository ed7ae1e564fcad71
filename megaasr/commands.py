"""What a plugin needs to add commands to ``megaasr``: shared options, loading of plugins, reports, exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from megaasr.library.bank_options import BankOption, NoiseOption, RirOption, named_banks
from megaasr.library.exit_codes import EXIT_CANNOT_TELL, EXIT_WORSE
from megaasr.library.reports import hand_out
from megaasr.library.transcriber_options import (
    AdapterOption,
    BackendOption,
    BackendSetOption,
    BatchSizeOption,
    DecodeOption,
    LanguageOption,
    RouterOption,
    RouterSetOption,
    open_transcriber,
    parse_settings,
)
from megaasr_core.cli.context import (
    EXIT_SOME_FAILED,
    JsonOption,
    PluginOption,
    StrictOption,
    say,
)
from megaasr_core.cli.context import open_plugins as _open_plugins

if TYPE_CHECKING:
    from megaasr_core.discovery.plugins import Plugins

__all__ = [
    "EXIT_CANNOT_TELL",
    "EXIT_SOME_FAILED",
    "EXIT_WORSE",
    "AdapterOption",
    "BackendOption",
    "BackendSetOption",
    "BankOption",
    "BatchSizeOption",
    "DecodeOption",
    "JsonOption",
    "LanguageOption",
    "NoiseOption",
    "PluginOption",
    "RirOption",
    "RouterOption",
    "RouterSetOption",
    "StrictOption",
    "hand_out",
    "named_banks",
    "open_plugins",
    "open_transcriber",
    "parse_settings",
    "say",
]


def open_plugins(extra: Iterable[str] | None, strict: bool, *, warn: bool = True, commands: bool = False) -> Plugins:
    """Load the plugins, and use their normalisers in this process; each broken plugin is a line on stderr."""
    from megaasr.library.text import use_normalisers_of

    plugins = _open_plugins(extra, strict, warn=warn, commands=commands)
    use_normalisers_of(plugins)
    return plugins
