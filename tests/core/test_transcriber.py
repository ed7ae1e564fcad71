from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import soundfile

from megaasr import Audio, Backend, BackendInfo, Defaults, Reviewed, Route, Router, Transcript, Utterance
from megaasr_core.base.errors import ParameterError, PluginError
from megaasr_core.discovery.loading import installed_plugins
from megaasr_core.flows.transcriber import Transcriber

PLUGINS = installed_plugins()


class Ear(Backend):
    """Hears the number of samples; an adapter hears it in brackets. Notes every call."""

    name: ClassVar[str] = "ear"
    calls: ClassVar[list] = []
    short: bool = False

    @property
    def info(self):
        return BackendInfo(16_000, 1.0)

    def load(self):
        pass

    def transcribe(self, batch, options, adapters=None):
        Ear.calls.append([len(audio.samples) for audio in batch])
        heard = [
            Transcript(f"<{len(a.samples)}>" if name else f"{len(a.samples)}", "en", -0.1, 2, seconds=1.0)
            for a, name in zip(batch, adapters, strict=True)
        ]
        return heard[1:] if self.short else heard

    def mount(self, name, folder):
        raise NotImplementedError

    def unmount(self, name):
        raise NotImplementedError

    def mounted(self):
        return ("robust",)


class Picky(Router):
    """Reviews utterances of an even number of samples; keeps the second for multiples of four."""

    name: ClassVar[str] = "picky"
    drop: bool = False

    def route(self, batch):
        return [Route(None, "base")] * (len(batch) - self.drop)

    def review(self, batch):
        return [Route("robust", "even") if len(one.audio.samples) % 2 == 0 else None for one in batch]

    def keep_second(self, first, second):
        assert all(isinstance(one, Reviewed) for one in (*first, *second))
        return [len(one.audio.samples) % 4 == 0 for one in second]


class Asks(Picky):
    """Needs references."""

    name: ClassVar[str] = "asks"
    needs_reference: ClassVar[bool] = True


@pytest.fixture
def calls():
    Ear.calls.clear()
    return Ear.calls


def noise(num_samples, rate=16_000):
    return Audio((0.1 * np.random.default_rng(num_samples).standard_normal(num_samples)).astype(np.float32), rate)


def test_a_review_decodes_only_its_rows_again_and_the_better_is_kept(calls):
    heard = Transcriber(Ear(), Picky()).transcribe_batch([noise(n) for n in (1_001, 1_002, 1_004)])
    assert calls == [[1_001, 1_002, 1_004], [1_002, 1_004]]
    assert [one.text for one in heard] == ["1001", "1002", "<1004>"]
    assert [one.adapter for one in heard] == [None, None, "robust"]
    assert [one.route for one in heard] == ["base", "even; the first was better", "even"]
    assert [one.seconds for one in heard] == [1.0, 2.0, 2.0]


def test_an_empty_batch_calls_nobody(calls):
    assert Transcriber(Ear(), Picky()).transcribe_batch([]) == []
    assert calls == []


def test_a_long_recording_is_cut_resampled_and_joined(calls):
    heard = Transcriber(Ear(), Picky(), batch_size=2).transcribe(noise(8_000 * 5 // 2, 8_000))
    assert sum(sum(call) for call in calls[::1] if call) >= 40_000
    assert all(len(call) <= 2 for call in calls)
    assert heard.duration_s == pytest.approx(2.5, abs=0.01)


def test_files_come_back_in_order_in_full_batches_and_a_bad_one_is_a_row(tmp_path, calls):
    paths = []
    for index, num_samples in enumerate((3_001, 40_001, 3_003, 3_005, 3_007)):
        paths.append(tmp_path / f"{index}.wav")
        soundfile.write(paths[-1], noise(num_samples).samples, 16_000, subtype="FLOAT")
    paths.insert(2, tmp_path / "missing.wav")
    results = list(Transcriber(Ear(), Picky(), batch_size=3).transcribe_files(paths))
    assert [result.name for result in results] == [str(path) for path in paths]
    assert "no such file" in results[2].error
    assert results[2].transcript is None
    assert results[0].transcript.text == "3001"
    assert results[-1].transcript.text == "3007"
    assert len(results[1].segments) > 2
    first_passes = [call for call in calls if any(n % 2 for n in call)]
    assert max(len(call) for call in calls) == 3
    assert first_passes


def test_silence_is_not_decoded(calls):
    heard = Transcriber(Ear(), Picky()).transcribe(Audio(np.zeros(1_001, np.float32), 16_000))
    assert (heard.text, heard.flags) == ("", ("empty", "silent"))
    assert calls == []


def test_words_about_silence_are_flagged_where_a_batch_is_decoded_as_it_is(calls):
    (heard,) = Transcriber(Ear(), Picky()).transcribe_batch([Audio(np.zeros(1_001, np.float32), 16_000)])
    assert heard.flags == ("invented", "silent")


def test_a_loop_is_found_in_the_language_of_the_transcript(calls, monkeypatch):
    monkeypatch.setattr(Ear, "transcribe", lambda self, batch, options, adapters: [Transcript("谢谢" * 20, "zh")])
    assert Transcriber(Ear(), Picky()).transcribe(noise(1_001)).flags == ("repetitive",)


def test_a_router_that_needs_references_gets_them_or_refuses(calls):
    transcriber = Transcriber(Ear(), Asks())
    with pytest.raises(ParameterError, match="router asks needs references: use it with `megaasr eval`"):
        transcriber.transcribe_batch([noise(1_001)])
    assert transcriber.transcribe_batch([Utterance(noise(1_001), reference="1001")])[0].text == "1001"


def test_rows_that_get_lost_are_noticed(calls):
    with pytest.raises(PluginError, match="router picky: returned 0 rows for 1 utterances; Route for each"):
        Transcriber(Ear(), Picky(drop=True)).transcribe_batch([noise(1_001)])
    with pytest.raises(PluginError, match="backend ear: returned 1 rows for 2 utterances; Transcript for each"):
        Transcriber(Ear(short=True), Picky()).transcribe_batch([noise(1_001)] * 2)


def test_a_batch_holds_at_least_one(calls):
    with pytest.raises(ParameterError, match="batch size 0"):
        Transcriber(Ear(), Picky(), batch_size=0)


class Equipped(Ear):
    """Comes with an adapter."""

    name: ClassVar[str] = "equipped"
    mounts: ClassVar[list] = []

    def defaults(self, adapter):
        return Defaults(adapter, "confidence") if adapter else Defaults(Path("shipped"), "second_opinion")

    def mount(self, name, folder):
        Equipped.mounts.append((name, str(folder)))


class Quality(Picky):
    """Stands for the router that goes with a shipped adapter."""

    name: ClassVar[str] = "second_opinion"
    adapter: str = "hard"


@pytest.mark.parametrize(
    ("asked", "router", "mounts"),
    [
        ({}, "second_opinion", [("hard", "shipped")]),
        ({"adapter": "mine"}, "confidence", [("robust", "mine")]),
        ({"router": "always_base"}, "always_base", []),
        ({"router": "always_robust"}, "always_robust", [("robust", "shipped")]),
        ({"router": "always_base", "adapter": "mine"}, "always_base", [("robust", "mine")]),
        ({"backend": "ear"}, "base_only", []),
    ],
)
def test_what_ships_is_used_where_nothing_is_named(asked, router, mounts):
    own = SimpleNamespace(
        backends={"ear": Ear, "equipped": Equipped},
        routers={**{name: PLUGINS.routers[name] for name in PLUGINS.routers}, "second_opinion": Quality},
    )
    Equipped.mounts.clear()
    opened = Transcriber.open(plugins=own, **{"backend": "equipped", **asked})
    assert opened.router.name == router
    assert Equipped.mounts == mounts


def test_a_router_that_needs_an_adapter_says_so_where_none_ships():
    with pytest.raises(ParameterError, match="router always_robust sends utterances to an adapter: give --adapter"):
        Transcriber.open(
            plugins=SimpleNamespace(backends={"ear": Ear}, routers=PLUGINS.routers),
            backend="ear",
            router="always_robust",
        )
