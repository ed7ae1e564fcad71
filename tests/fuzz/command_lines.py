"""Kind `cli`: whole commands over damaged files, rows and options, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from subprocess import CompletedProcess
from typing import ClassVar

import soundfile

from tests.command_line import megaasr

from .cases import Case, Kind
from .documents import LABELLED, MANIFEST, RESULTS, REWARD, SCENARIO
from .models import FEW_TOKENS, small_model
from .mutators import mutated, reordered_units
from .oracle import Judge
from .rows import NAME, damaged_lines
from .seeds import SAMPLE_RATE_HZ, recordings, speechlike
from .values import yaml_text

CODES = (0, 1, 2, 3)
INTERNAL = ("internal error", "Traceback")
"""What the command line says of an exception that is not the user's."""
OUTPUTS = ("out",)
OPTIONS = (
    *("--batch-size=0", "--batch-size=99999999999999999999", "--language=klingon", "--language=", "--language=\udcff"),
    *(
        "--decode=num_beams=-1",
        "--decode=min_tokens=1e999",
        "--decode=x=[",
        "--router-set=threshold=nan",
        "--router=\udcff",
    ),
    *(
        "--backend-set=model=/dev/null",
        "--backend-set=dtype=float8",
        "--backend=none",
        "--adapter=/",
        "--decode=&a [*a]",
    ),
    *(
        "--backend-set=" + "a" * 3000 + "=1",
        "--by=\udcff",
        "--seed=-1",
        "--seed=99999999999999999999",
        "--no-such-option",
    ),
)
Words = list[str]


class CommandLines(Kind):
    """A command whose input or options are damaged."""

    name: ClassVar[str] = "cli"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        model = home / "whisper"
        if not model.is_dir():
            small_model(model)
        decoding = [f"--decode={name}={value}" for name, value in FEW_TOKENS.items()]
        self._model = ["--router=always_base", f"--backend-set=model={model}", "--backend-set=device=cpu", *decoding]
        (home / "noises").mkdir(exist_ok=True)
        soundfile.write(home / "noises" / "a.wav", speechlike(0.5), SAMPLE_RATE_HZ)
        soundfile.write(home / "clip.wav", speechlike(0.5), SAMPLE_RATE_HZ)
        # imports what decoding needs, and compiles the kernels: LLVM ends the process where memory is limited
        megaasr("transcribe", home / "clip.wav", *self._model)
        for scenario in ("noise", "far_field+noise"):
            noise = f"--noise={home / 'noises'}"
            megaasr("degrade", home / "clip.wav", home / "out.wav", f"--scenario={scenario}", noise)

    def make(self, rng: Random, folder: Path) -> Case:
        """A command and its files."""
        makers: Sequence[Callable[[Random, Path], tuple[Words, str]]] = (
            *(self._transcribe, self._eval, self._eval, self._degrade, self._scenario, self._labels),
            *(self._compare, self._reward, self._options),
        )
        (folder / "clip.wav").write_bytes(recordings()[0].data)
        words, note = rng.choice(makers)(rng, folder)
        shown = " ".join(words).encode("unicode_escape", "surrogateescape").decode()
        return Case(note, lambda judge: _judge(judge, folder, words), f"megaasr {shown[:400]}", OUTPUTS)

    def _transcribe(self, rng: Random, folder: Path) -> tuple[Words, str]:
        names, notes = [], []
        for _ in range(rng.choice((1, 2, 3))):
            recording = rng.choice(recordings())
            data, note = mutated(recording.data, rng, (reordered_units,))
            name = rng.choice(("a", "b c", "-c", "d\udcff", "e\n", "f" * 200)) + recording.suffix
            (folder / name).write_bytes(data)
            names.append(f"./{name}")
            notes.append(f"{recording.name}: {note}")
        how = rng.choice(([], ["--json"], ["-o", "out.jsonl"]))
        return ["transcribe", *names, *self._model, *how], "; ".join(notes)

    def _eval(self, rng: Random, folder: Path) -> tuple[Words, str]:
        data, note = damaged_lines(MANIFEST, rng)
        (folder / NAME).write_bytes(data)
        return ["eval", NAME, "out.jsonl", *self._model, *rng.choice(([], ["--json"]))], note

    def _degrade(self, rng: Random, folder: Path) -> tuple[Words, str]:
        recording = rng.choice(recordings())
        data, note = mutated(recording.data, rng, (reordered_units,))
        (folder / f"noise{recording.suffix}").write_bytes(data)
        (folder / "noises").mkdir()
        (folder / f"noise{recording.suffix}").replace(folder / "noises" / f"noise{recording.suffix}")
        return ["degrade", "clip.wav", "out.wav", "--scenario=noise", "--noise=noises"], f"{recording.name}: {note}"

    def _scenario(self, rng: Random, folder: Path) -> tuple[Words, str]:
        note = _write_yaml(folder, SCENARIO, rng)
        words = ["degrade", "clip.wav", "out.wav", "--scenario=file.yaml", f"--noise={self.home / 'noises'}"]
        return [*words, "--recipe"], note

    def _labels(self, rng: Random, folder: Path) -> tuple[Words, str]:
        data, note = damaged_lines(LABELLED, rng)
        (folder / NAME).write_bytes(data)
        words = rng.choice((["filter", NAME, "--max-wer=0.7", "-o", "out.jsonl"], ["stats", NAME, "--json"]))
        return ["corpus", *words], note

    def _compare(self, rng: Random, folder: Path) -> tuple[Words, str]:
        data, note = damaged_lines(RESULTS, rng)
        (folder / NAME).write_bytes(data)
        (folder / "base.jsonl").write_text("".join(json.dumps(row) + "\n" for row in RESULTS))
        by = rng.choice(([], ["--by=effect"], ["--by=severity"], ["--by=audio"]))
        return ["compare", "base.jsonl", f"x={NAME}", *by, *rng.choice(([], ["--json"]))], note

    def _reward(self, rng: Random, folder: Path) -> tuple[Words, str]:
        data, note = damaged_lines(RESULTS, rng) if rng.random() < 0.5 else (_lines(RESULTS), "")
        (folder / NAME).write_bytes(data)
        note += "; " + _write_yaml(folder, REWARD, rng) if not note else ""
        compose = ["--compose=file.yaml"] if (folder / "file.yaml").exists() else []
        return ["reward", NAME, *compose, *rng.choice(([], ["--json"]))], note

    def _options(self, rng: Random, folder: Path) -> tuple[Words, str]:
        options = rng.sample(OPTIONS, rng.choice((1, 1, 2)))
        return ["transcribe", "clip.wav", *self._model, *options], "options"


def _lines(rows: Sequence[dict[str, object]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _write_yaml(folder: Path, document: dict[str, object], rng: Random) -> str:
    text, note = yaml_text(document, rng)
    (folder / "file.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    return note


def _judge(judge: Judge, folder: Path, words: Words) -> None:
    is_json = "--json" in words
    judge.call(
        f"megaasr {words[0]}", lambda: megaasr(*words, cwd=folder), lambda ended: _check_end(ended, is_json=is_json)
    )


def _check_end(ended: CompletedProcess[str], *, is_json: bool) -> str | None:
    """What is wrong with exit code, standard error and standard output of a command."""
    lines = ended.stderr.splitlines()
    if any(mark in ended.stderr for mark in INTERNAL):
        return f"an exception that is not the user's: {next(line for line in reversed(lines) if 'rror' in line)}"
    if ended.returncode not in CODES:
        return f"exit code {ended.returncode}"
    strange = [line for line in lines if not line.startswith("megaasr")]
    if strange:
        return f"standard error has {strange[0][:200]!r}"
    if any(not character.isprintable() for character in "".join(lines)):
        return f"characters that cannot be printed: {ended.stderr!r}"
    if ended.returncode == 2 and sum(line.startswith("megaasr: error: ") for line in lines) != 1:
        return f"exit code 2 with {len(lines)} lines"
    if ended.returncode in (0, 3) and any(": error:" in line or ": failed:" in line for line in lines):
        return f"exit code {ended.returncode} with {lines[0][:200]!r}"
    if is_json and ended.returncode in (0, 1):
        return _check_json(ended.stdout)
    return None


def _check_json(text: str) -> str | None:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError as whole:
        try:
            for line in text.splitlines():
                json.loads(line, parse_constant=refuse)
        except ValueError:
            return f"standard output is no JSON: {whole}"
    return None
