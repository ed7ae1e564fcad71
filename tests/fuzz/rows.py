"""Kinds of rows: damaged manifests, results, scenarios, rewards and configurations through their readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import soundfile

from megaasr import (
    Audio,
    ManifestError,
    RewardSample,
    SampleKey,
    SoundBank,
    installed_plugins,
    jsonl_line,
    located_rows,
    parse_row,
    plan,
    read_jsonl,
    read_reward,
    read_row_audio,
    read_scenario,
)
from megaasr_plugins.corpus.labelling.select import bucket_rows, filter_rows
from megaasr_plugins.corpus.planning.speech import index_speech
from megaasr_plugins.corpus.statistics.stats import corpus_stats
from megaasr_plugins.evaluation.comparison.systems import compare_systems, line_up
from megaasr_plugins.evaluation.evaluate import Item, read_items
from megaasr_plugins.evaluation.rewards import sample_of
from megaasr_plugins.evaluation.summary import summarise
from megaasr_plugins.training.commands.run_trainer import open_trainer

from .audio import write_tar
from .cases import Case, Kind
from .documents import LABELLED, MANIFEST, RESULTS, REWARD, SCENARIO, TRAINER
from .mutators import mutated
from .oracle import Judge, check_samples
from .seeds import SAMPLE_RATE_HZ, recordings, speechlike
from .values import as_json, mutated_value, yaml_text

NAME = "rows.jsonl"


def damaged_lines(rows: Sequence[dict[str, Any]], rng: Random) -> tuple[bytes, str]:
    """One to three of the rows as JSON lines, one of them changed; some files are damaged as bytes too."""
    chosen = [dict(row) for row in rng.sample(rows, rng.randrange(1, 1 + len(rows)))]
    place = rng.randrange(len(chosen))
    chosen[place], note = mutated_value(chosen[place], rng)
    data = "".join(as_json(row, rng) + "\n" for row in chosen).encode("utf-8", "surrogatepass")
    if rng.random() < 0.15:
        data, more = mutated(data, rng)
        note = f"{note}; {more}"
    if rng.random() < 0.05:
        mark = rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\n\n", b"\0", b"[\n", b"\x1f\x8b"))
        data, note = mark + data, f"{note}; {mark!r} before it"
    return data, f"row {place + 1} of {len(chosen)}: {note}"


def check_row(row: dict[str, Any]) -> str | None:
    """An accepted row can be written and read again."""
    try:
        parse_row(jsonl_line(row).encode(), "the row")
    except (ValueError, RecursionError) as error:
        return f"an accepted row cannot be written: {error!r}"
    except Exception as error:
        return f"an accepted row cannot be read again: {error!r}"
    return None


class Manifests(Kind):
    """A damaged manifest as `eval`, `corpus plan` and a bank of sounds read it, and the recordings of its rows."""

    name: ClassVar[str] = "manifest"

    def make(self, rng: Random, folder: Path) -> Case:
        """A manifest beside its recordings."""
        data, note = damaged_lines(MANIFEST, rng)
        (folder / NAME).write_bytes(data)
        clip = recordings()[0].data
        for name in ("clip.wav", "other.wav"):
            (folder / name).write_bytes(clip)
        write_tar(folder / "shard.tar", "clip.wav", clip)
        return Case(note, lambda judge: _judge_manifest(judge, folder / NAME), f"megaasr eval {NAME} /tmp/out.jsonl")


def _judge_manifest(judge: Judge, path: Path) -> None:
    plugins = installed_plugins()
    for item in judge.call("read_items", lambda: read_items(path, None, plugins), check_items) or ():
        if item.fault:
            judge.call("fault", lambda item=item: _raise(item))
        else:
            judge.call("read_row_audio", lambda item=item: read_row_audio(item.source), check_audio)
    judge.call("index_speech", lambda: index_speech(path))
    bank = judge.call("SoundBank.open", lambda: SoundBank.open(path))
    for sound in sorted(name for names in bank.categories.values() for name in names) if bank else ():
        ref = judge.call("SoundBank.ref", lambda sound=sound: bank.ref(sound))
        if ref is not None:
            judge.call("SoundBank.load", lambda ref=ref: bank.load(ref, SAMPLE_RATE_HZ))


def _raise(item: Item) -> None:
    """The fault of a row that fails alone is judged as the refusal of a whole manifest is."""
    raise ManifestError(item.fault)


def check_audio(audio: Audio) -> str | None:
    """A recording has samples, all of them finite."""
    return check_samples(audio.samples, 1)


def check_items(items: list[Item]) -> str | None:
    """Items that can be used have a reference and a language, and their rows can be written again."""
    for item in items:
        if not (isinstance(item.reference, str) and isinstance(item.language, str)):
            return f"reference {item.reference!r}, language {item.language!r}"
    return next(filter(None, (check_row(item.row) for item in items)), None)


class Labels(Kind):
    """A damaged labelled manifest as `corpus filter`, `buckets` and `stats` read it."""

    name: ClassVar[str] = "labelled"

    def make(self, rng: Random, folder: Path) -> Case:
        """A labelled manifest."""
        data, note = damaged_lines(LABELLED, rng)
        (folder / NAME).write_bytes(data)
        command = f"megaasr corpus filter {NAME} --max-wer 0.7 -o kept.jsonl"
        return Case(note, lambda judge: _judge_labels(judge, folder / NAME), command, ("kept.jsonl", "buckets"))


def _judge_labels(judge: Judge, path: Path) -> None:
    kept = path.with_name("kept.jsonl")
    call = lambda: filter_rows(path, kept, max_wer=0.7, drop_flags=["empty"])  # noqa: E731
    judge.call("filter_rows", call, lambda _: _check_lines(kept))
    judge.call("bucket_rows", lambda: bucket_rows(path, [0.3, 0.7], path.with_name("buckets"), sample=1))
    judge.call("corpus_stats", lambda: corpus_stats(path).as_json())


def _check_lines(path: Path) -> str | None:
    return next(filter(None, (check_row(row) for _, row in located_rows(path))), None)


class Results(Kind):
    """Damaged results of `eval` as `reward`, `compare` and `eval --reuse` read them."""

    name: ClassVar[str] = "results"

    def make(self, rng: Random, folder: Path) -> Case:
        """Results, and undamaged ones to compare with."""
        data, note = damaged_lines(RESULTS, rng)
        (folder / NAME).write_bytes(data)
        (folder / "base.jsonl").write_text("".join(map(jsonl_line, RESULTS)))
        command = f"megaasr compare base.jsonl other={NAME}"
        return Case(note, lambda judge: _judge_results(judge, folder / NAME), command)


def _judge_results(judge: Judge, path: Path) -> None:
    rows = judge.call("read_jsonl", lambda: read_jsonl(path))
    if rows is None:
        return
    scored = [(f"{path}, line {number}", row) for number, row in enumerate(rows, start=1) if "error" not in row]
    for where, row in scored:
        sample = judge.call("sample_of", lambda row=row, where=where: sample_of(row, where))
        if sample is not None:
            judge.call("score", lambda sample=sample: _dg_wgpo().score([sample]), _check_scores)
    # rows have no path: those who call these put it before the message
    unnamed = Judge(path.parent, ("",))
    unnamed.call("summarise", lambda: summarise(rows, 0, ()), _check_finite)
    base = read_jsonl(path.with_name("base.jsonl"))
    unnamed.call("compare_systems", lambda: compare_systems(line_up(base, {"other": rows}, "other"), 0), _check_finite)
    judge.take(unnamed)


def _dg_wgpo() -> Any:
    return installed_plugins().rewards["dg_wgpo"].create({})


def _check_scores(scores: Sequence[float | None]) -> str | None:
    return None if all(score is None or math.isfinite(score) for score in scores) else f"scores {scores}"


def _check_finite(value: Any, where: str = "the report") -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where} is {value}"
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return next(filter(None, (_check_finite(one, f"{where}.{key}") for key, one in inner)), None)


class Yaml(Kind):
    """A damaged document; a subclass says which, and how it is read."""

    document: ClassVar[dict[str, Any]]
    command: ClassVar[str]

    def make(self, rng: Random, folder: Path) -> Case:
        """The document, damaged as values or as bytes."""
        text, note = yaml_text(self.document, rng)
        data = text.encode("utf-8", "surrogatepass")
        if rng.random() < 0.1:
            data, more = mutated(data, rng) if data else (b"\0", "NUL")
            note = f"{note}; {more}"
        path = folder / "file.yaml"
        path.write_bytes(data)
        return Case(note, lambda judge: self.judge(judge, path), self.command)

    def judge(self, judge: Judge, path: Path) -> None:
        """Read it, and use what was read."""
        raise NotImplementedError


class Scenarios(Yaml):
    """A scenario: read, and planned once."""

    name: ClassVar[str] = "scenario"
    document: ClassVar[dict[str, Any]] = SCENARIO
    command: ClassVar[str] = "megaasr degrade clip.wav /tmp/out.wav --scenario file.yaml --noise noises"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        soundfile.write(home / "noise.wav", speechlike(0.5), SAMPLE_RATE_HZ)
        self._bank = SoundBank.open(home)

    def judge(self, judge: Judge, path: Path) -> None:
        """A scenario that is accepted gives a recipe with finite numbers, or a refusal that names the number."""
        plugins = installed_plugins()
        scenario = judge.call("read_scenario", lambda: read_scenario(path, plugins))
        if scenario is None:
            return
        unnamed = Judge(path.parent, ("",))
        banks = {"noise": self._bank, "rir": self._bank}
        for severity in (0.0, 1.0):
            call: Callable[[], Any] = lambda severity=severity: plan(  # noqa: E731
                *(scenario, SampleKey(1, "x"), plugins),
                **{"num_samples": 8_000, "sample_rate": SAMPLE_RATE_HZ, "severity": severity, "banks": banks},
            ).model_dump()
            unnamed.call("plan", call, _check_finite)
        judge.take(unnamed)


class Rewards(Yaml):
    """A composed reward: read, and used on two samples."""

    name: ClassVar[str] = "reward"
    document: ClassVar[dict[str, Any]] = REWARD
    command: ClassVar[str] = "megaasr reward --compose file.yaml results.jsonl"

    def judge(self, judge: Judge, path: Path) -> None:
        """A reward that is accepted gives finite scores."""
        reward = judge.call("read_reward", lambda: read_reward(path, installed_plugins().rewards))
        samples = [RewardSample("hello hello", "hello world", "en", {}), RewardSample("", "x y z", "en", {})]
        if reward is not None:
            unnamed = Judge(path.parent, ("",))
            unnamed.call("score", lambda: reward.score(samples), _check_scores)
            judge.take(unnamed)


class Trainers(Yaml):
    """The configuration of a trainer."""

    name: ClassVar[str] = "trainer"
    document: ClassVar[dict[str, Any]] = TRAINER
    command: ClassVar[str] = "megaasr train sft file.yaml -o /tmp/run"

    def judge(self, judge: Judge, path: Path) -> None:
        """The trainer's fields are checked before any work."""
        unnamed = Judge(path.parent, ("",))
        call = lambda: open_trainer(installed_plugins(), "sft", path)  # noqa: E731
        unnamed.call("open_trainer", call, lambda trainer: _check_finite(trainer.model_dump(mode="json")))
        judge.take(unnamed)
