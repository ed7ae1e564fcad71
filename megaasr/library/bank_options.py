"""The options that name banks of recorded sounds, and the checks that they are declared and needed."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from megaasr_core.cli.context import say

if TYPE_CHECKING:
    from megaasr_core.discovery.plugins import Plugins

BankOption = Annotated[
    list[str] | None,
    typer.Option(
        "--bank",
        metavar="NAME=PATH",
        help="Bank of recorded sounds that a primitive declares: a folder or a manifest. Repeatable.",
    ),
]
NoiseOption = Annotated[Path | None, typer.Option(help="Short for --bank noise=PATH.")]
RirOption = Annotated[Path | None, typer.Option(help="Short for --bank rir=PATH, room impulse responses.")]


def named_banks(
    bank: Iterable[str] | None, noise: Path | None, rir: Path | None, plugins: Plugins, primitives: Collection[str]
) -> dict[str, Path]:
    """The banks that the options name; a bank that is not needed is noted on stderr.

    Args:
        primitives: names of those that are going to be used; names that are not registered are passed over.

    Raises:
        ParameterError: a value without ``=``, or a bank that is named twice.
        UnknownNameError: a bank that no registered primitive declares.
    """
    from megaasr_core.base.errors import ParameterError, unknown_name

    pairs = [*(bank or ()), *(f"{name}={path}" for name, path in (("noise", noise), ("rir", rir)) if path)]
    banks: dict[str, Path] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise ParameterError(f"--bank {pair}: write NAME=PATH, e.g. noise=noises/")
        if name in banks:
            raise ParameterError(f"bank {name!r} is given twice: {banks[name]} and {path}; give it once")
        banks[name] = Path(path)
    declared = {name for primitive in plugins.primitives.values() for name in primitive.banks}
    used = {name for one in primitives if one in plugins.primitives for name in plugins.primitives[one].banks}
    for name in banks:
        if name not in declared and all(one in plugins.primitives for one in primitives):
            raise unknown_name("bank", name, declared)
        if name not in used:
            say(f"megaasr: note: bank {name!r} is not used: none of the primitives in use declares it")
    return banks
