"""What the contract of backends gives by itself: info, options, defaults, background decoding, streaming."""

import threading
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pydantic import Field

from megaasr import (
    Audio,
    Backend,
    BackendError,
    BackendInfo,
    DecodingOptions,
    Defaults,
    ParameterError,
    Segment,
    Stream,
    StreamingBackend,
    StreamUpdate,
    Transcriber,
    Transcript,
    UnknownNameError,
    Utterance,
)
from megaasr.library.long_recordings import join
from megaasr_core.flows.opening import default_backend

RATE = 16_000


class LoudOptions(DecodingOptions):
    """With an option of its own."""

    loudness: int = Field(1, ge=1, le=3)


class Loud(Backend):
    """Its transcript is the number of samples, followed by as many marks as the options say; takes any length."""

    name: ClassVar[str] = "loud"
    options_type: ClassVar[type[DecodingOptions]] = LoudOptions
    threads: ClassVar[list[str]] = []

    @property
    def info(self):
        return BackendInfo(RATE)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        self.threads.append(threading.current_thread().name)
        return [Transcript(f"{len(one.samples)}{'!' * options.loudness}", "en") for one in batch]

    def mount(self, name, folder):
        raise NotImplementedError

    def unmount(self, name):
        raise NotImplementedError

    def mounted(self):
        return ("robust",)

    def open_stream(self, language=None, options=None, adapter=None):
        return LoudStream(language or "en")


class LoudStream:
    """Commits the number of each full second's samples; what is behind it is pending."""

    def __init__(self, language):
        self.language, self.num_samples, self.finished = language, 0, False

    def feed(self, samples):
        if self.finished:
            raise BackendError("the stream is finished")
        self.num_samples += len(samples)
        seconds, rest = divmod(self.num_samples, RATE)
        return StreamUpdate("s" * seconds, "." if rest else "")

    def finish(self):
        update = self.feed(np.zeros(0, np.float32))
        self.finished = True
        return Transcript(update.committed + update.pending, self.language, duration_s=self.num_samples / RATE)


def utterance(num_samples):
    return Utterance(Audio(np.resize(np.float32([0.1, -0.1]), num_samples), RATE, f"{num_samples}.wav"), id="a")


class Plugins:
    """A registry of backends of several distributions."""

    def __init__(self, **backends):
        names = {name: backend for name, (backend, _) in backends.items()}
        owners = {name: type("Owner", (), {"distribution": owner}) for name, (_, owner) in backends.items()}
        self.backends = type("Backends", (dict,), {"owner": lambda self, name: owners[name]})(names)


class Standard(Loud):
    """Says that it is the default."""

    is_default: ClassVar[bool] = True


def test_an_utterance_tells_what_its_audio_is():
    one = utterance(8_000)
    assert (one.duration_s, one.sample_rate, one.name, len(one.samples)) == (0.5, RATE, "8000.wav", 8_000)


def test_the_options_are_the_backends_own():
    assert Loud.make_options({"loudness": 2, "num_beams": 3}) == LoudOptions(loudness=2, num_beams=3)
    with pytest.raises(ParameterError, match="unknown decoding option of backend loud: 'loudnes': did you mean 'loud"):
        Loud.make_options({"loudnes": 2})
    with pytest.raises(ParameterError, match="backend loud: loudness = 4: Input should be less than or equal to 3"):
        Loud.make_options({"loudness": 4})
    with pytest.raises(ParameterError, match="unknown decoding option of backend loud: 'language'"):
        Loud.make_options({"language": "en"})


def test_a_backend_without_a_longest_input_gets_recordings_whole():
    plugins = Plugins(loud=(Loud, "mine"))
    plugins.routers = {}
    opened = Transcriber.open(backend="loud", options={"loudness": 3}, plugins=plugins)
    assert opened.transcribe(utterance(100 * RATE)).text == f"{100 * RATE}!!!"
    assert opened.router.name == "base_only"


def test_an_adapter_needs_a_router_that_somebody_names(tmp_path):
    plugins = Plugins(loud=(Loud, "mine"))
    plugins.routers = {}
    with pytest.raises(ParameterError, match=f"backend loud has no default router for {tmp_path}: give --router NAME"):
        Transcriber.open(backend="loud", adapter=tmp_path, plugins=plugins)


def test_the_settings_of_the_default_router_are_the_backends_and_the_users():
    class Routed(Loud):
        """Says which router stands before it."""

        def defaults(self, adapter):
            return Defaults(Path("shipped"), "sure", {"low": 1, "high": 2})

        def mount(self, name, folder):
            assert (name, folder) == ("robust", Path("shipped"))

    made = []

    class Sure:
        """A stand-in for a registered router."""

        name, adapter = "sure", "robust"

        @classmethod
        def create(cls, settings):
            made.append(settings)
            return cls()

    plugins = Plugins(routed=(Routed, "mine"))
    plugins.routers = {"sure": Sure}
    Transcriber.open(backend="routed", router_settings={"high": 5}, plugins=plugins)
    Transcriber.open(backend="routed", router="sure", router_settings={"high": 5}, plugins=plugins)
    assert made == [{"low": 1, "high": 5}, {"high": 5}]


def test_the_default_backend_is_a_setting(monkeypatch):
    ours, theirs = (Standard, "megaasr"), (Standard, "another")
    monkeypatch.delenv("MEGAASR_BACKEND", raising=False)
    assert default_backend(Plugins(loud=(Loud, "megaasr"), standard=ours, a=theirs)) == "standard"
    assert default_backend(Plugins(a=theirs)) == "a"
    with pytest.raises(ParameterError, match="no backend is the default; name one of a, b by --backend or MEGAASR_BAC"):
        default_backend(Plugins(a=theirs, b=(Loud, "another")))
    monkeypatch.setenv("MEGAASR_BACKEND", "b")
    assert default_backend(Plugins(a=ours, b=(Loud, "another"))) == "b"


def test_using_an_adapter_that_is_not_mounted_is_an_error():
    with Loud().using("robust"), Loud().using(None):
        pass
    with (
        pytest.raises(UnknownNameError, match="unknown mounted adapter 'robus': did you mean 'robust'"),
        Loud().using("robus"),
    ):
        pytest.fail("the block must not be entered")


def test_utterances_are_decoded_in_the_background_one_by_one():
    backend = Loud()
    Loud.threads.clear()
    futures = [backend.submit(utterance(size), LoudOptions(loudness=2)) for size in (5, 6)]
    futures.append(backend.submit(utterance(7)))
    assert [future.result(60).text for future in futures] == ["5!!", "6!!", "7!"]
    assert len(set(Loud.threads)) == 1
    assert Loud.threads[0] != threading.current_thread().name
    backend.close()
    assert not any(thread.name in Loud.threads for thread in threading.enumerate())
    assert backend.submit(utterance(8)).result(60).text == "8!"
    backend.close()


def test_an_error_in_the_background_is_the_futures():
    backend = Loud()
    with pytest.raises(AttributeError):
        backend.submit(None).result(60)
    backend.close()


def test_a_stream_commits_what_will_not_change():
    backend = Loud()
    assert isinstance(backend, StreamingBackend)
    stream = backend.open_stream(language="zh")
    assert isinstance(stream, Stream)
    updates = [stream.feed(np.zeros(size, np.float32)) for size in (100, 0, RATE, RATE - 100)]
    assert updates == [StreamUpdate("", "."), StreamUpdate("", "."), StreamUpdate("s", "."), StreamUpdate("ss")]
    assert all(after.committed.startswith(before.committed) for before, after in pairwise(updates))
    transcript = stream.finish()
    assert (transcript.text, transcript.language, transcript.duration_s) == ("ss", "zh", 2.0)
    with pytest.raises(BackendError, match="the stream is finished"):
        stream.feed(np.zeros(1, np.float32))


def test_a_row_of_a_transcript_has_no_tokens():
    row = Transcript("a", "en", token_ids=(1,), token_logprobs=(-0.5,), segments=(Segment(0, 1, "a"),)).as_row()
    assert list(row) == [
        "text", "language", "mean_logprob", "num_tokens", "truncated", "flags", "duration_s", "seconds", "route",
        "adapter", "no_speech_prob", "withheld",
    ]  # fmt: skip


def test_pieces_are_joined_with_their_tokens_and_times():
    first = Transcript("a b", "en", duration_s=2.0, token_ids=(1, 2), token_logprobs=(-0.1, -0.2))
    parts = (Segment(0.5, 1.0, "c"), Segment(1.0, 1.5, "d"))
    second = Transcript("c d", "en", duration_s=2.0, token_ids=(3,), token_logprobs=(-0.3,), segments=parts)
    joined = join([first, second])
    assert (joined.token_ids, joined.token_logprobs) == ((1, 2, 3), (-0.1, -0.2, -0.3))
    assert joined.segments == (Segment(0.0, 2.0, "a b"), Segment(2.5, 3.0, "c"), Segment(3.0, 3.5, "d"))
