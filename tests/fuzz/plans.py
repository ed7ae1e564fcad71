"""Kinds `plan` and `recipe`: damaged plans as `eval`, `corpus render` and the reader of their samples take them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import ClassVar
from unittest import mock

import soundfile

import megaasr
from megaasr import Audio, Recipe, installed_plugins, read_sample, render
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.plan_folder import SETTINGS, PlanFolder, shard_name
from megaasr_plugins.corpus.planning.plan_index import row_of
from megaasr_plugins.evaluation.evaluate import read_items
from tests.plugins.corpus.serial_engine import Serial

from .cases import Case, Kind
from .mutators import mutated
from .oracle import Judge
from .rows import check_audio, check_items
from .seeds import SAMPLE_RATE_HZ, speechlike
from .values import as_json, mutated_value

CANARY = "fuzz_canary"
"""A plugin that no plan may load because its data names it."""


class Plans(Kind):
    """The settings or the recipes of a plan are damaged."""

    name: ClassVar[str] = "plan"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        soundfile.write(home / "clip.wav", speechlike(0.25), SAMPLE_RATE_HZ)
        (home / "speech.jsonl").write_text('{"audio": "clip.wav", "text": "hello world"}\n')
        plugins = installed_plugins()
        scenarios = tuple(plugins.scenarios[name] for name in ("far_field", "obstructed"))
        shutil.rmtree(home / "plan", ignore_errors=True)
        plan_corpus(PlanRequest(home / "speech.jsonl", scenarios, count=3), home / "plan", plugins, Serial())
        self._settings = json.loads((home / "plan" / SETTINGS).read_text())
        self._rows = [json.loads(line) for line in (home / "plan" / shard_name(0)).read_text().splitlines()]
        # Loading the installed plugins takes a tenth of a second, and every plan asks for them.
        load = megaasr.load_plugins
        installed = load(())
        self._loading = lambda targets=(), **options: load(targets, **options) if tuple(targets) else installed

        for number in range(2):
            read_sample(home / "plan" / f"plan.json#{number}")  # compiles the kernels

    def make(self, rng: Random, folder: Path) -> Case:
        """A plan, one of its files damaged."""
        settings, rows = self._settings, list(self._rows)
        if rng.random() < 0.5:
            settings, note = mutated_value(settings, rng)
            if rng.random() < 0.2 and isinstance(settings, dict):
                settings["plugins"] = [rng.choice((CANARY, f"{CANARY}.py", str(folder / f"{CANARY}.py")))]
                note += "; a plugin named by data"
        else:
            place = rng.randrange(len(rows))
            rows[place], note = mutated_value(rows[place], rng)
        texts = {
            SETTINGS: as_json(settings, rng),
            shard_name(0): "".join(as_json(row, rng) + "\n" for row in rows),
        }
        for name, text in texts.items():
            data = text.encode("utf-8", "surrogatepass")
            if rng.random() < 0.1:
                data, more = mutated(data, rng)
                note = f"{note}; {name}: {more}"
            (folder / name).write_bytes(data)
        (folder / f"{CANARY}.py").write_text("open('executed', 'w').close()\n")
        return Case(note, lambda judge: self._judge(judge, folder), "megaasr eval . /tmp/out.jsonl")

    def _judge(self, judge: Judge, folder: Path) -> None:
        with mock.patch.object(megaasr, "load_plugins", self._loading):
            judge.call("read_items", lambda: read_items(folder, None, installed_plugins()), check_items)
            opened = judge.call("PlanFolder.open", lambda: PlanFolder.open(folder))
            if opened is not None:
                judge.call("row_of", lambda: row_of(opened, 0))
            for number in (0, 2):
                audio = folder / f"plan.json#{number}"
                judge.call("read_sample", lambda audio=audio: read_sample(audio), check_audio)


class Recipes(Kind):
    """A damaged recipe, replayed as `degrade --from-recipe` does."""

    name: ClassVar[str] = "recipe"

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._recipes = [row["recipe"] for row in Plans(home)._rows]
        self._audio = Audio(speechlike(0.25), SAMPLE_RATE_HZ, "clip.wav")

    def make(self, rng: Random, folder: Path) -> Case:
        """A recipe."""
        recipe, note = mutated_value(rng.choice(self._recipes), rng)
        data = as_json(recipe, rng).encode("utf-8", "surrogatepass")
        if rng.random() < 0.15:
            data, more = mutated(data, rng)
            note = f"{note}; {more}"
        path = folder / "recipe.json"
        path.write_bytes(data)
        return Case(
            note, lambda judge: self._judge(judge, path), "megaasr degrade clip.wav --from-recipe recipe.json o.wav"
        )

    def _judge(self, judge: Judge, path: Path) -> None:
        made = judge.call("Recipe.parse", lambda: Recipe.parse(megaasr.read_text(path), path))
        if made is None:
            return
        unnamed = Judge(path.parent, ("",))
        call = lambda: render(self._audio, made, installed_plugins(), {})  # noqa: E731
        unnamed.call("render", call, lambda rendered: check_audio(rendered.audio))
        judge.take(unnamed)
