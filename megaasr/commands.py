"""What a plugin needs to add commands to ``megaasr``: shared options, loading of plugins, reports, exit codes."""

from megaasr.library.bank_options import BankOption, NoiseOption, RirOption, named_banks
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
    EXIT_WORSE,
    JsonOption,
    PluginOption,
    StrictOption,
    open_plugins,
    say,
)

__all__ = [
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
