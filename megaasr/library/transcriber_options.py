"""The options of every command that transcribes, and the transcriber that they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from megaasr_core.discovery.plugins import Plugins
    from megaasr_core.flows.transcriber import Transcriber

AdapterOption = Annotated[Path | None, typer.Option(help="Folder of a LoRA adapter for bad recordings.")]
RouterOption = Annotated[
    str | None,
    typer.Option(
        help="Router to use: a name of `megaasr plugins --kind router`. Default: what the backend says, which may "
        "depend on --adapter."
    ),
]
RouterSetOption = Annotated[
    list[str] | None, typer.Option("--router-set", metavar="NAME=VALUE", help="A setting of the router. Repeatable.")
]
BackendOption = Annotated[
    str | None,
    typer.Option(
        help="Recogniser to use: a name of `megaasr plugins --kind backend`. "
        "Default: MEGAASR_BACKEND, else the one that comes with megaasr."
    ),
]
BackendSetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--backend-set", metavar="NAME=VALUE", help="A setting of the backend, e.g. model=FOLDER. Repeatable."
    ),
]
DecodeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--decode", metavar="NAME=VALUE", help="A decoding option of the backend, e.g. num_beams=4. Repeatable."
    ),
]
LanguageOption = Annotated[
    str | None,
    typer.Option(help="Language (en, German) of recordings that name none; by default the model chooses."),
]
BatchSizeOption = Annotated[int, typer.Option(min=1, max=1024, help="Utterances decoded at once.")]


def open_transcriber(
    plugins: Plugins,
    backend: str | None,
    backend_set: list[str] | None,
    router: str | None,
    router_set: list[str] | None,
    adapter: Path | None,
    language: str | None,
    batch_size: int,
    decode: list[str] | None = None,
) -> Transcriber:
    """Build the transcriber that the options describe; every mistake is a MegaasrError of one line."""
    from megaasr_core.flows.transcriber import Transcriber

    return Transcriber.open(
        backend=backend,
        backend_settings=parse_settings(backend_set),
        router=router,
        router_settings=parse_settings(router_set),
        adapter=adapter,
        options=parse_settings(decode),
        batch_size=batch_size,
        language=language,
        plugins=plugins,
    )


def parse_settings(pairs: list[str] | None) -> dict[str, Any]:
    """``["a=1", "b=text"]`` as a dictionary; values are read as YAML scalars.

    Raises:
        ParameterError: no ``=``, or a value that is no YAML.
    """
    from megaasr_core.base.errors import ParameterError

    from .yaml_files import parse_yaml

    settings: dict[str, Any] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ParameterError(f"setting {pair!r}: write NAME=VALUE")
        settings[name] = parse_yaml(value, f"setting {pair!r}: write NAME=VALUE", ParameterError)
    return settings
