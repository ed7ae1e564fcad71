"""What a plan is of: everything that is asked for, and the recordings and sounds that it is asked of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from megaasr import (
    ManifestError,
    OutputError,
    Plugins,
    RecipeError,
    RecordingsState,
    SoundBank,
    as_json,
    differing_parts,
    fingerprint,
)

from .plan_folder import PlanFolder, PlanSettings
from .plugin_sources import PluginSource
from .speech import SpeechIndex

if TYPE_CHECKING:
    from .plan_corpus import PlanRequest


def identity_of(
    request: PlanRequest,
    speech: SpeechIndex,
    banks: Mapping[str, SoundBank],
    plugins: Plugins,
    sources: Sequence[PluginSource],
) -> tuple[str, dict[str, Any]]:
    """What a plan is of, as far as it is known without opening the recordings.

    Returns:
        Digest of everything that determines the recipes; and the parts of the plan's identity: the same by name, so
        that a message can say what differs, and sizes and times of change of the recordings and sounds, which a copy
        of them does not share.
    """
    sounds = {
        name: [(path, _size(bank.root / path)) for paths in bank.categories.values() for path in paths]
        for name, bank in banks.items()
    }
    primitives = {name: plugins.primitives[name].revision for name in plugins.primitives}
    degradations = {name: repr(plugins.degradations[name]) for name in plugins.degradations}
    asked = [request.count, request.shard_size, request.seed, request.curve, request.convert, request.plugins]
    chains = [repr(scenario) for scenario in request.scenarios]
    contents = [source.digest for source in sources if source.digest and source.provides]
    whole = [1, asked, chains, str(speech.path), speech.digest, sounds, primitives, degradations]
    state = RecordingsState(plugins)
    state.add_files(bank.root / path for bank in banks.values() for paths in bank.categories.values() for path in paths)
    parts = {
        "options": dict(zip(("count", "shard_size", "seed", "severity", "convert", "plugins"), asked, strict=True)),
        "scenarios": fingerprint([chains, primitives, degradations]),
        "manifest": fingerprint([str(speech.path), speech.digest]),
        "plugins": contents,
        "recordings": speech.recordings,
        "sounds": fingerprint([sounds, state.hexdigest()]),
    }
    return fingerprint([*whole, contents] if contents else whole), as_json(parts)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read ({error.strerror}); mend the bank") from error


def finished_plan(folder: Path, mark: str, identity: Mapping[str, Any]) -> PlanSettings:
    """The settings of the finished plan in a folder; OutputError where it is another one than is asked for.

    Args:
        mark, identity: of what is asked for, as `identity_of` gives them.
    """
    try:
        settings = PlanFolder.open(folder).settings
    except ManifestError as error:
        raise OutputError(f"{error}; remove it or name another folder") from error
    differing = differing_parts(settings.identity, identity) if settings.identity else []
    if settings.request != mark or differing:
        which = f" (different: {', '.join(differing)})" if differing else ""
        raise OutputError(f"{folder}: holds a plan of other settings{which}; remove it or name another folder")
    return settings
