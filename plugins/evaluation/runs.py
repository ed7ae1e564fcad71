"""The run that makes results, and the one that made those that are reported on again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, ValidationError

from megaasr import (
    ComposedReward,
    OutputError,
    ParameterError,
    Plugins,
    RunRecord,
    content_digest,
    first_fault,
    language_code,
    plugins_identity,
    read_jsonl,
    read_record,
    record_path,
    rows_digest,
    unit_identity,
)
from megaasr.commands import parse_settings, say

from .evaluate import Item
from .pairing import utterance_of
from .rewards import rescored

Row = dict[str, Any]


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


class Part(BaseModel):
    """A backend or router, as `unit_identity` describes it."""

    name: str
    settings: dict[str, Any]
    files: str | None = None


class Code(BaseModel):
    """What a report says of the code."""

    megaasr: str
    sources: str


class Made(BaseModel):
    """The parts of the identity of an evaluation that options name, or a report."""

    code: Code
    adapter: str | None
    backend: Part
    router: Part
    plugins: dict[str, str]
    decoding: dict[str, Any]
    options: dict[str, Any]


@dataclass(frozen=True)
class Named:
    """What a call with ``--reuse`` names of the run that made the rows; None for what it does not name."""

    backend: str | None = None
    backend_set: Sequence[str] | None = None
    decode: Sequence[str] | None = None
    adapter: Path | None = None
    router: str | None = None
    router_set: Sequence[str] | None = None
    language: str | None = None
    batch_size: int | None = None
    convert: bool | None = None

    @classmethod
    def of(cls, context: typer.Context) -> Named:
        """What stands on the command line of `megaasr eval`, and no defaults."""
        given = [one.name for one in fields(cls) if _is_given(context, one.name)]
        values = {name: context.params[name] for name in given}
        return cls(**{**values, **({"adapter": Path(values["adapter"])} if "adapter" in values else {})})

    @property
    def options(self) -> list[str]:
        """The options that are given, as they are written."""
        return [f"--{name.replace('_', '-')}" for name, value in vars(self).items() if value is not None]


def reused(
    context: typer.Context,
    output: Path,
    items: Sequence[Item],
    plugins: Plugins,
    composed: ComposedReward | None,
    parts: Mapping[str, Any],
) -> tuple[list[Row], RunRecord | None]:
    """The rows of a finished output, with the rewards of this call, and the run that made them as `run_of` finds it.

    Recordings that have changed since are a note on stderr: they need not be there any more.

    Args:
        context: of the call.
        items: of the manifest that it names.
        parts: of the identity that this call has: ``recordings``, and ``rewards`` with a composed reward.
    """
    rows = read_jsonl(output)
    run = run_of(output, rows, items, Named.of(context), plugins)
    if run is not None and run.identity.get("recordings") != parts["recordings"]:
        say(f"megaasr: note: {output}: sizes or times of the recordings are not those of the run that made its rows")
    return (rows, run) if composed is None else rescored(output, rows, composed, run, parts["rewards"])


def run_of(
    output: Path, rows: Sequence[Row], items: Sequence[Item], named: Named, plugins: Plugins
) -> RunRecord | None:
    """The run that made the rows of a finished output, held against the manifest and the options of this call.

    Args:
        rows: of the output.
        items: of the manifest that this call names.
        named: what it names of the run.

    Returns:
        The record of the run; None where there is none, or where the rows have changed since it was written: results
        of earlier versions, or results that were filtered.

    Raises:
        ParameterError: something that is named is not what made the rows, or it is not recorded what did.
        MegaasrError: something that is named cannot be read.
    """
    run = read_record(output)
    if run is None:
        if named.options:
            raise ParameterError(
                f"{output}: which run made its rows is not recorded in {record_path(output).name}, so that "
                f"{', '.join(named.options)} cannot be checked; leave that out, or evaluate without --reuse"
            )
        _check_utterances(output, rows, items)
        return None
    try:
        made = Made.model_validate(run.identity)
    except ValidationError as error:
        fault = first_fault(error, "the identity")
        raise OutputError(f"{record_path(output)}: is no record of an evaluation: {fault}; remove it") from error
    parts = {**_parts(named, made, plugins), "manifest": manifest_digest(items)}
    if differs := run.difference({**run.identity, **parts}):
        raise ParameterError(
            f"{output}: was made by another run than this call names: {differs}; name what made it, or evaluate "
            "without --reuse"
        )
    return run


def _check_utterances(output: Path, rows: Sequence[Row], items: Sequence[Item]) -> None:
    """Refuse scored rows of utterances that the manifest does not have."""
    known = {utterance_of(item.row) for item in items}
    for row in rows:
        if "error" not in row and (name := utterance_of(row)) not in known:
            raise ParameterError(f"{output}: holds {name}, which is not in the manifest; name the manifest of its rows")


def manifest_digest(items: Sequence[Item]) -> str:
    """Digest of the rows of a manifest, for the identity of the run."""
    return rows_digest(item.row for item in items)


def _parts(named: Named, made: Made, plugins: Plugins) -> dict[str, Any]:
    """The parts of the identity that are named; what is not named of them is as it was when the rows were made."""
    now = plugins_identity(plugins)
    parts: dict[str, Any] = {"plugins": {name: now.get(name, digest) for name, digest in made.plugins.items()}}
    for kind, name, pairs, part in (
        ("backend", named.backend, named.backend_set, made.backend),
        ("router", named.router, named.router_set, made.router),
    ):
        if name or pairs:
            parts[kind] = _unit(kind, name, pairs, part, plugins)
    if named.adapter is not None:
        parts["adapter"] = content_digest(named.adapter)
    if named.decode:
        settings = parse_settings(list(named.decode))
        options = plugins.backends[named.backend or made.backend.name].make_options(settings).model_dump()
        parts["decoding"] = {**made.decoding, **{key: options[key] for key in settings}}
    spoken = None if named.language is None else language_code(named.language)
    own = {"batch_size": named.batch_size, "convert": named.convert, "language": spoken}
    parts["options"] = {**made.options, **{key: value for key, value in own.items() if value is not None}}
    return parts


def _unit(kind: str, name: str | None, pairs: Sequence[str] | None, made: Part, plugins: Plugins) -> dict[str, Any]:
    """A unit as it is named; where only settings are, the others are those that it was made with."""
    settings = parse_settings(list(pairs or ()))
    now = unit_identity(plugins.registry(kind)[name or made.name].create(settings))
    if name:
        return now
    before = made.model_dump(exclude_none=True)
    chosen = {key: now["settings"][key] for key in settings}
    contents = {"files": now["files"]} if "files" in chosen.values() else {}
    return {**before, "settings": {**before["settings"], **chosen}, **contents}
