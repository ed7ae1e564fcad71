"""The folder that `megaasr corpus plan` writes: settings in plan.json, recipes in shards of JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from megaasr import ManifestError, PluginError, Plugins, SoundBank, first_fault, parse_json, read_rows, read_text

from .plugin_sources import PluginSource, check_plugins

SETTINGS: Final = "plan.json"
SCHEMA_VERSION: Final = 1
MOST_SAMPLES: Final = 10**12


class Probe(BaseModel):
    """A sample as it was when the plan was made.

    Args:
        number: of the sample in the plan.
        digest: BLAKE2b-128 of its float32 samples; rms: their level.
        values: some of them, evenly spaced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=0)
    digest: str
    rms: float
    values: list[float]


class PlanSettings(BaseModel):
    """What plan.json holds; it is written last, so that its presence says that the plan is complete.

    Args:
        count, shard_size, num_shards: samples in all, in each shard but the last, and shards.
        seed, curve, scenarios: as asked for.
        sample_rate: in Hz, that every sample is planned for and rendered at.
        speech: the manifest of clean recordings; speech_root: the folder that its paths are relative to.
        convert: whether recordings of several channels and of any rate are taken.
        banks: recorded sounds by name: folders or manifests.
        plugins: files, folders and modules that were loaded besides the installed plugins; a reader of the plan names
            them again.
        sources: where each plugin that the plan uses came from; empty in plans of older versions.
        versions: distribution name -> version of the plugins that were used.
        utterances: recordings that could be read; unreadable: those that could not and are left out.
        environment: machine, CPU features and versions of libraries with which it was planned; probes: a few samples
            rendered there. Both are empty in plans of older versions.
        request: digest of what was asked for; fingerprint: of that and of the recordings' lengths.
        identity: what was asked for, in parts, and the state of recordings and sounds; empty in older plans.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    count: int = Field(ge=1, le=MOST_SAMPLES)
    shard_size: int = Field(ge=1, le=MOST_SAMPLES)
    num_shards: int = Field(ge=1, le=MOST_SAMPLES)
    seed: int
    curve: str
    scenarios: list[str]
    sample_rate: int = Field(ge=1_000, le=384_000)
    speech: str
    speech_root: str
    convert: bool = False
    banks: dict[str, str]
    plugins: list[str]
    sources: list[PluginSource] = []
    versions: dict[str, str]
    utterances: int = Field(ge=0)
    unreadable: int = Field(0, ge=0)
    environment: dict[str, Any] = {}
    probes: list[Probe] = []
    request: str
    fingerprint: str
    identity: dict[str, Any] = {}


def shard_name(index: int) -> str:
    """The recipes of one shard: ``recipes-00000.jsonl``."""
    return f"recipes-{index:05d}.jsonl"


@dataclass(frozen=True)
class PlanFolder:
    """A complete plan. Open it with `PlanFolder.open`."""

    path: Path
    settings: PlanSettings

    @classmethod
    def open(cls, path: str | Path) -> PlanFolder:
        """Read the settings and see that every shard is there.

        Raises:
            ManifestError: no plan, one that is not complete, or one that another version wrote.
        """
        path = Path(path)
        file = path / SETTINGS
        if not file.is_file():
            raise ManifestError(f"{path}: holds no complete plan ({SETTINGS}); run `megaasr corpus plan -o {path}`")
        try:
            settings = PlanSettings.model_validate(parse_json(read_text(file).encode(), str(file)))
        except ValidationError as error:
            fault = first_fault(error, "the JSON")
            raise ManifestError(f"{file}: not a plan of schema {SCHEMA_VERSION}: {fault}; plan anew") from error
        folder = cls(path, settings)
        if settings.num_shards != -(-settings.count // settings.shard_size):
            raise ManifestError(
                f"{file}: {settings.count} samples in shards of {settings.shard_size} are not {settings.num_shards} "
                "shards; plan anew"
            )
        there = {shard.name for shard in path.glob("recipes-*.jsonl")}
        missing = next((name for name in map(shard_name, range(settings.num_shards)) if name not in there), None)
        if missing:
            lacking = max(settings.num_shards - len(there), 1)
            raise ManifestError(
                f"{path}: lacks {lacking} of {settings.num_shards} shards, such as {missing}; plan anew"
            )
        return folder

    @property
    def shards(self) -> list[Path]:
        """The files of recipes, in order."""
        return [self.path / shard_name(index) for index in range(self.settings.num_shards)]

    @property
    def count(self) -> int:
        """Samples in all."""
        return self.settings.count

    @property
    def speech_root(self) -> Path:
        """The folder that each row's ``audio`` is relative to."""
        return Path(self.settings.speech_root)

    def rows(self, shard_index: int) -> Iterator[dict[str, Any]]:
        """The rows of one shard: ``id``, ``audio``, ``text``, ``language``, kept fields, and ``recipe`` as plain JSON.

        Raises:
            ManifestError: the shard cannot be read.
        """
        return read_rows(self.path / shard_name(shard_index))

    def open_banks(self) -> dict[str, SoundBank]:
        """The recorded sounds that the recipes name; ManifestError when a bank is gone."""
        return {name: SoundBank.open(source) for name, source in self.settings.banks.items()}

    def open_plugins(self, named: Sequence[str] = ()) -> Plugins:
        """The plugins that the plan was made with, as far as they are installed or `named`; see `check`.

        Args:
            named: files, folders or modules to load besides the installed plugins, as ``--plugin`` names them.
        """
        from megaasr import load_plugins

        return self.check(load_plugins(named))

    def check(self, plugins: Plugins) -> Plugins:
        """The plugins of the call, if they hold those that the plan was made with; nothing is loaded for the plan.

        Raises:
            PluginError: a file or module that the plan uses is not among them, or has changed.
            UnknownNameError: a primitive that the plan uses is not registered.
        """
        try:
            check_plugins(self.settings.plugins, self.settings.sources, plugins)
        except PluginError as error:
            raise PluginError(f"{self.path / SETTINGS}: {error}") from error
        return plugins
