"""Tests of the sentences, prompts and synthetic voices of recipes/tiny, with a fake synthesiser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from megaasr.library.text import normalise
from megaasr_core.base.audio import SAMPLE_RATE_HZ, Audio
from recipes.tiny import build_speech, levels, sentences
from recipes.tiny.held_out import HeldOut
from recipes.tiny.sources import SOURCES
from recipes.tiny.sources.asterisk import prompts
from recipes.tiny.sources.base import Utterance, Voice
from tests.recipes.made import IEEE, content, voiced


def test_the_ieee_sentences_are_held_out() -> None:
    held_out = HeldOut.load()
    assert len(held_out) >= 720
    assert all(held_out.holds(text) for text in IEEE)
    assert not held_out.holds("Please enter your password followed by the pound key.")


def test_sentences_are_unique_disjoint_and_not_held_out(tmp_path: Path) -> None:
    manifest = tmp_path / "eval.jsonl"
    manifest.write_text(json.dumps({"audio": "x", "text": "Alice fell down a very deep well today."}) + "\n")
    held_out = HeldOut.load([manifest])
    prose = [f"Alice fell down a very deep well today. The rabbit was late again. {IEEE[0]} CHAPTER TWO. It was 1865."]
    wanted = {"train": 300, "dev": 25}
    made = sentences.sentences(wanted, 0, held_out, prose)
    assert made == sentences.sentences(wanted, 0, held_out, prose)
    assert {split: len(listed) for split, listed in made.items()} == wanted
    words = {split: {normalise(text) for text in listed} for split, listed in made.items()}
    assert sum(map(len, words.values())) == 325
    assert not words["train"] & words["dev"]
    both = [text for listed in made.values() for text in listed]
    assert "The rabbit was late again." in both
    assert not any(held_out.holds(text) for text in both)
    assert not any(mark in text for text in both for mark in "{}()|")


class Hummer:
    """A fake synthesiser: its audio is as long as the number of words requires."""

    name = "hummer"
    title = "hummer"
    revision = 1
    voices = (Voice("low", "train", 6, "CC0 1.0"), Voice("high", "dev", 3, "CC0 1.0"))

    def __init__(self, fails_after: int = 100) -> None:
        self.spoken: list[str] = []
        self.fails_after = fails_after

    def prepare(self, cache: Path) -> None:
        del cache

    def own_utterances(self) -> list[Utterance]:
        return []

    def speak(self, utterance: Utterance, rng: np.random.Generator) -> Audio:
        if len(self.spoken) == self.fails_after:
            raise KeyboardInterrupt
        self.spoken.append(utterance.text)
        seconds = 0.4 * len(utterance.text.split()) + 0.5
        return Audio(voiced(seconds, int(rng.integers(2**31))), SAMPLE_RATE_HZ)


def test_a_source_is_resumed_and_built_once(tmp_path: Path) -> None:
    held_out = HeldOut.load()
    source = Hummer(fails_after=4)
    listed = sentences.sentences({"train": 6, "dev": 3}, 0, held_out)
    spoken = build_speech.handed_out([source], listed)[source.name]
    with pytest.raises(KeyboardInterrupt):
        build_speech.build_source(source, spoken, tmp_path / "a", held_out)
    assert not list((tmp_path / "a" / build_speech.PARTS).glob("*.jsonl"))
    second = Hummer()
    rows = build_speech.build_source(second, spoken, tmp_path / "a", held_out)
    assert len(second.spoken) == 9 - 4  # clips of the killed run are kept
    third = Hummer()
    assert build_speech.build_source(third, spoken, tmp_path / "a", held_out) == sorted(rows, key=lambda r: r["audio"])
    assert third.spoken == []
    build_speech.build_source(Hummer(), spoken, tmp_path / "b", held_out)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert {(row["speaker"], row["split"]) for row in rows} == {("hummer-low", "train"), ("hummer-high", "dev")}


def test_every_sentence_is_said_once_whichever_sources_are_built() -> None:
    sources = [make() for make in SOURCES]
    pool = {split: [f"{split} {n}" for n in range(count)] for split, count in build_speech.POOL.items()}
    given = build_speech.handed_out(sources, pool)
    utterances = [utterance for spoken in given.values() for utterance in spoken]
    wanted = sum(voice.clips for source in sources for voice in source.voices)
    texts = {utterance.text for utterance in utterances}
    assert len(texts) == len(utterances) == wanted  # the pool is large enough
    assert all(utterance.text.startswith(utterance.voice.split) for utterance in utterances)
    variants = {split: {u.voice.name.split("+")[-1] for u in utterances if u.voice.split == split} for split in pool}
    assert not variants["train"] & variants["dev"]


def test_prompts_are_what_is_said() -> None:
    listing = (
        "; a comment\nbeep: [a tone]\na: Hello\ndigits/1: one two\nb:  press # to  enter...\nvm-x: Say it (beep) now\n"
    )
    assert prompts(listing) == {"b": "Press pound to enter."}


def test_trimming_leaves_a_margin() -> None:
    quiet = np.zeros(SAMPLE_RATE_HZ, np.float32)
    speech = np.random.default_rng(0).standard_normal(SAMPLE_RATE_HZ).astype(np.float32) * 0.1
    kept = levels.trimmed(np.concatenate([quiet, speech, quiet]))
    assert len(kept) / SAMPLE_RATE_HZ == pytest.approx(1.4, abs=0.04)
    assert levels.active_level_db(kept) == pytest.approx(-20.0, abs=0.2)
