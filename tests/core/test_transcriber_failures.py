"""A router or backend that raises, or returns what it should not: the row fails in one line, the rest is done."""

from typing import ClassVar

import numpy as np
import pytest
import soundfile

from megaasr import (
    Audio,
    Backend,
    BackendError,
    BackendInfo,
    PluginError,
    Route,
    Router,
    Transcriber,
    Transcript,
    Utterance,
)

BAD = 1_002


def bad(batch):
    return any(len(one.samples) == BAD for one in batch)


class Counts(Backend):
    """Its transcript is the number of samples; what it does with a bad utterance is a field."""

    name: ClassVar[str] = "counts"
    fault: str = ""

    @property
    def info(self):
        return BackendInfo(16_000, 1.0)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        rows = [Transcript(str(len(one.samples)), one.language or "fr", -0.1, 1) for one in batch]
        if self.fault and bad(batch):
            return FAULTS[self.fault](rows)
        return rows

    def mount(self, name, folder):
        raise NotImplementedError

    def unmount(self, name):
        raise NotImplementedError

    def mounted(self):
        return ()


class Sends(Router):
    """To the base; what it does with a bad utterance is a field, and so is the method that does it."""

    name: ClassVar[str] = "sends"
    fault: str = ""
    method: str = "route"

    def route(self, batch):
        return self.of(batch, "route", [Route(None, "base")] * len(batch))

    def review(self, batch):
        again = [Route(None, "again")] * len(batch) if self.method == "keep_second" else [None] * len(batch)
        return self.of([one.utterance for one in batch], "review", again)

    def keep_second(self, first, second):
        return self.of([one.utterance for one in second], "keep_second", [True] * len(second))

    def of(self, batch, method, rows):
        return FAULTS[self.fault](rows) if self.fault and self.method == method and bad(batch) else rows


def raises(rows):
    return rows[len(rows)]


def refuses(rows):
    raise BackendError("this is too hard")


FAULTS = {
    "raises": raises,
    "refuses": refuses,
    "none": lambda rows: None,
    "too few": lambda rows: rows[1:],
    "wrong type": lambda rows: [*rows[:-1], "text"],
}
EXPECTED = {
    "raises": "IndexError: list index out of range (test_transcriber_failures.py:",
    "refuses": "this is too hard",
    "none": "returned None; a list of 1",
    "too few": "returned 0 rows for 1 utterances",
    "wrong type": "returned 'text' for an utterance",
}
METHODS = ("route", "review", "keep_second")
CASES = [
    *[(f"backend counts {fault}", Counts(fault=fault), Sends(), fault) for fault in FAULTS],
    *[
        (f"router sends {method} {fault}", Counts(), Sends(fault=fault, method=method), fault)
        for method in METHODS
        for fault in FAULTS
    ],
]


@pytest.mark.parametrize(("name", "backend", "router", "fault"), CASES, ids=[name for name, *_ in CASES])
def test_only_the_bad_file_fails(tmp_path, name, backend, router, fault):
    paths = [tmp_path / f"{num_samples}.wav" for num_samples in (1_001, BAD, 1_003)]
    for path in paths:
        soundfile.write(path, np.resize(np.float32([0.1, -0.1]), int(path.stem)), 16_000, subtype="FLOAT")
    results = list(Transcriber(backend, router, batch_size=3).transcribe_files(paths))
    texts = [result.transcript and result.transcript.text for result in results]
    assert texts == ["1001", None, "1003"]
    assert EXPECTED[fault] in results[1].error
    assert "\n" not in results[1].error
    assert f"{BAD}.wav: " in results[1].error
    assert fault == "refuses" or " ".join(name.split()[:2]) + ": " in results[1].error


def test_a_batch_is_one_error_that_names_the_plugin():
    batch = [Utterance(Audio(np.zeros(size, np.float32), 16_000, f"{size}.wav")) for size in (1_001, BAD)]
    with pytest.raises(PluginError, match=r"^backend counts: IndexError: .*\(test_transcriber_failures\.py:\d+\)$"):
        Transcriber(Counts(fault="raises"), Sends()).transcribe_batch(batch)


def test_a_failing_piece_fails_its_recording_alone(tmp_path):
    """Of a recording that is cut; the next one is whole."""
    samples = np.resize(np.float32([0.1, -0.1]), 16_000 + BAD // 2)
    soundfile.write(tmp_path / "long.wav", samples, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "short.wav", samples[:900], 16_000, subtype="FLOAT")

    class FailsOnLong(Counts):
        """Fails on pieces of half a second or more."""

        name: ClassVar[str] = "fails_on_long"

        def transcribe(self, batch, options, adapters=None):
            assert all(one.duration_s < 0.5 for one in batch)
            return super().transcribe(batch, options, adapters)

    long, short = Transcriber(FailsOnLong(), Sends()).transcribe_files([tmp_path / "long.wav", tmp_path / "short.wav"])
    assert (long.transcript, short.transcript.text) == (None, "900")
    assert long.error.startswith("backend fails_on_long: ")


def test_a_rows_language_goes_before_the_default():
    audio = Audio(np.zeros(1_001, np.float32), 16_000)
    transcriber = Transcriber(Counts(), Sends(), language="English")
    rows = transcriber.transcribe_batch([Utterance(audio, "zh"), Utterance(audio), audio])
    assert [row.language for row in rows] == ["zh", "en", "en"]


def test_a_backend_with_one_adapter_a_call_gets_a_call_for_each():
    calls = []

    class OneAdapter(Counts):
        """Takes one adapter in a call."""

        name: ClassVar[str] = "one_adapter"

        @property
        def info(self):
            return BackendInfo(16_000, adapters_per_row=False)

        def transcribe(self, batch, options, adapters=None):
            calls.append(adapters)
            return super().transcribe(batch, options, adapters)

    class InTurn(Sends):
        """Every other utterance goes to the adapter."""

        def route(self, batch):
            return [Route("robust" if len(one.samples) % 2 else None, "in turn") for one in batch]

    batch = [Audio(np.zeros(size, np.float32), 16_000) for size in (1_001, 1_002, 1_003, 40_000)]
    rows = Transcriber(OneAdapter(), InTurn()).transcribe_batch(batch)
    assert calls == [["robust", "robust"], [None, None]]
    assert [(row.text, row.adapter) for row in rows] == [
        ("1001", "robust"),
        ("1002", None),
        ("1003", "robust"),
        ("40000", None),
    ]
