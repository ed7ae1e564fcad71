"""`corpus plan`: recordings, scenarios and a number of samples in; a folder of recipes out."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from megaasr import (
    CURVES,
    SAMPLE_RATE_HZ,
    AudioError,
    AudioLimits,
    Engine,
    ParameterError,
    Planner,
    Plugins,
    SampleKey,
    Scenario,
    SoundBank,
    atomic_path,
    claim_identity,
    code_identity,
    environment,
    fingerprint,
    jsonl_line,
    progress,
    read_text,
    run_folder,
    unknown_name,
    write_json,
    write_text,
)

from .measure import measure
from .plan_folder import SETTINGS, PlanFolder, PlanSettings, shard_name
from .plan_identity import finished_plan, identity_of
from .plan_shard import UTTERANCES, PlanShard, read_utterances
from .plugin_sources import PluginSource, sources_of, target_of
from .speech import SpeechIndex, index_speech

REQUEST = ".request"
"""What the unfinished plan in a folder is of."""
SPEECH = ".speech.jsonl"
"""The rows of a manifest that is not JSON lines, while the plan is made."""
UNREADABLE = "unreadable.jsonl"
"""Recordings that are left out, each with its error; absent when there are none."""


@dataclass(frozen=True)
class PlanRequest:
    """What is asked for.

    Args:
        speech: manifest of clean recordings.
        scenarios: to choose from, in equal shares.
        count: samples in all; shard_size: in each file.
        seed: of every draw; curve: by which severities are drawn.
        banks: folders or manifests of recorded sounds by name.
        convert: take recordings of several channels and of any rate.
        plugins: files and modules that the workers load beside the installed plugins.
    """

    speech: Path
    scenarios: tuple[Scenario, ...]
    count: int
    seed: int = 0
    curve: str = "linear"
    banks: Mapping[str, Path] = field(default_factory=dict)
    shard_size: int = 1_000
    convert: bool = False
    plugins: tuple[str, ...] = ()

    @property
    def num_shards(self) -> int:
        """Files of recipes."""
        return -(-self.count // self.shard_size)

    def check(self) -> None:
        """ParameterError or UnknownNameError when a number or a name is none that can be planned."""
        if self.curve not in CURVES:
            raise unknown_name("severity curve", self.curve, CURVES)
        if self.count < 1 or self.shard_size < 1:
            raise ParameterError(f"count {self.count} and shard size {self.shard_size} must be at least 1")
        names = [scenario.name for scenario in self.scenarios]
        for name in names:
            if names.count(name) > 1:
                raise ParameterError(f"scenario {name} is named twice; name each once, since all get equal shares")
        if not names:
            raise ParameterError("no scenario is named")


@dataclass(frozen=True)
class PlanReport:
    """What was done.

    Args:
        settings: of the plan; None when it is not complete.
        shards: written by this run; num_shards: in all.
        num_bytes: of the shards that this run wrote.
        seconds: duration of this run.
        failed: one line for each shard that could not be written.
    """

    settings: PlanSettings | None
    shards: int
    num_shards: int
    num_bytes: int
    seconds: float
    failed: tuple[str, ...] = ()


def plan_corpus(request: PlanRequest, folder: Path, plugins: Plugins, engine: Engine) -> PlanReport:
    """Plan a corpus, or go on where a run that was killed has stopped; the same bytes with any engine and workers.

    Raises:
        MegaasrError: a wrong number, name, manifest, bank or scenario, before anything is written; or the folder holds
            another plan.
    """
    started = time.perf_counter()
    request.check()
    banks = {name: SoundBank.open(source) for name, source in request.banks.items()}
    versions = _try_scenarios(request, plugins, banks)
    speech = index_speech(request.speech.resolve(), plugins)
    sources = sources_of(request.scenarios, plugins, request.plugins)
    mark, identity = identity_of(request, speech, banks, plugins, sources)
    recorded = [*request.plugins, *(target_of(source.owner) for source in sources)]
    targets = tuple(dict.fromkeys(filter(None, recorded)))
    with run_folder(folder):
        if (folder / SETTINGS).exists():
            settings = finished_plan(folder, mark, identity)
            _clean_up(folder)  # a run that was killed at its very end
            return PlanReport(settings, 0, request.num_shards, 0, time.perf_counter() - started)
        claim_identity(
            folder / REQUEST,
            {"request": mark, **identity, "code": code_identity()},
            other="an unfinished plan of other settings",
            foreign=("recipes-*.jsonl",),
        )
        speech = speech.kept(folder.resolve() / SPEECH)
        lengths_digest = _measured(request, speech, banks, folder, engine)
        task = PlanShard(
            mark=mark,
            folder=folder.resolve(),
            speech=speech.rows,
            scenarios=request.scenarios,
            banks=banks,
            plugins=targets,
            curve=request.curve,
            seed=request.seed,
            count=request.count,
            shard_size=request.shard_size,
            sample_rate=SAMPLE_RATE_HZ,
        )
        missing = [index for index in range(request.num_shards) if not (folder / shard_name(index)).exists()]
        num_bytes, failed = 0, []
        for outcome in progress(engine.run(task, missing), total=len(missing), what="planning"):
            num_bytes += outcome.value or 0
            if outcome.error is not None:
                failed.append(f"{shard_name(outcome.item)}: {outcome.error}")
        made = None
        if not failed:
            made = _finish(request, targets, sources, versions, mark, identity, lengths_digest, folder, plugins, banks)
        seconds = time.perf_counter() - started
        return PlanReport(made, len(missing) - len(failed), request.num_shards, num_bytes, seconds, tuple(failed))


def _try_scenarios(request: PlanRequest, plugins: Plugins, banks: Mapping[str, SoundBank]) -> dict[str, str]:
    """Plan one sample by each scenario, so that a missing bank is known before the work; the versions they use."""
    versions: dict[str, str] = {}
    for scenario in request.scenarios:
        planner = Planner(scenario, plugins, banks)
        planner.plan(SampleKey(request.seed, "trial"), num_samples=SAMPLE_RATE_HZ, sample_rate=SAMPLE_RATE_HZ)
        versions |= planner.versions
    return dict(sorted(versions.items()))


def _measured(
    request: PlanRequest, speech: SpeechIndex, banks: dict[str, SoundBank], folder: Path, engine: Engine
) -> str:
    """Write the table of recordings, unless an earlier run did; its digest."""
    table = folder / UTTERANCES
    if not table.exists():
        limits = AudioLimits(convert=request.convert)
        lengths, unreadable = measure(speech, banks, SAMPLE_RATE_HZ, limits, engine)
        if not len(lengths):
            raise AudioError(f"{speech.path}: no recording of {len(unreadable)} can be read; {unreadable[0][1]}")
        if unreadable := [*speech.faults, *unreadable]:
            rows = ({"audio": audio, "error": error} for audio, error in unreadable)
            write_text(folder / UNREADABLE, "".join(map(jsonl_line, rows)))
        with atomic_path(table) as temporary:
            np.save(temporary, lengths)
    return blake2b(table.read_bytes(), digest_size=16).hexdigest()


def _finish(
    request: PlanRequest,
    targets: Sequence[str],
    sources: Sequence[PluginSource],
    versions: dict[str, str],
    mark: str,
    identity: dict[str, Any],
    lengths_digest: str,
    folder: Path,
    plugins: Plugins,
    banks: dict[str, SoundBank],
) -> PlanSettings:
    from ..rendering.probes import taken  # the renderer needs a plan

    unreadable, source = folder / UNREADABLE, request.speech.resolve()
    root = source if source.is_dir() else source.parent
    settings = PlanSettings(
        count=request.count,
        shard_size=request.shard_size,
        num_shards=request.num_shards,
        seed=request.seed,
        curve=request.curve,
        scenarios=[scenario.name for scenario in request.scenarios],
        sample_rate=SAMPLE_RATE_HZ,
        speech=str(request.speech.resolve()),
        speech_root=str(root),
        convert=request.convert,
        banks={name: str(source.resolve()) for name, source in request.banks.items()},
        plugins=list(targets),
        sources=list(sources),
        versions=versions,
        utterances=len(read_utterances(folder)),
        unreadable=read_text(unreadable).count("\n") if unreadable.exists() else 0,
        request=mark,
        identity=identity,
        environment=environment(),
        fingerprint=fingerprint([mark, lengths_digest]),
    )
    probes = taken(PlanFolder(folder.resolve(), settings), plugins, banks)
    settings = settings.model_copy(update={"probes": probes})
    write_json(folder / SETTINGS, settings.model_dump())
    _clean_up(folder)
    return settings


def _clean_up(folder: Path) -> None:
    for name in (UTTERANCES, SPEECH, REQUEST):
        (folder / name).unlink(missing_ok=True)
