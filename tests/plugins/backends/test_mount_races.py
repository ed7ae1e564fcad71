"""Adapters are mounted and unmounted while other threads decode: each transcript is that of a single thread."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from megaasr import UnknownNameError
from tests.plugins.few_tokens import FewTokens

OPTIONS = FewTokens()


def texts(backend, clips, adapters):
    return [(one.text, one.adapter, one.token_ids) for one in backend.transcribe(clips, OPTIONS, adapters)]


def test_transcripts_are_equal_while_other_adapters_come_and_go(small, make_adapter, noise_clips):
    small.mount("robust", make_adapter("robust"))
    other, routes = make_adapter("other"), ["robust", None, "robust"]
    expected = texts(small, noise_clips, routes)
    assert expected != texts(small, noise_clips, [None] * 3)
    done = threading.Event()

    def come_and_go():
        rounds = 0
        while not done.is_set() or not rounds:
            small.mount("other", other)
            small.unmount("other")
            rounds += 1
        return rounds

    with ThreadPoolExecutor(4) as pool:
        coming = pool.submit(come_and_go)
        heard = [pool.submit(texts, small, noise_clips, routes) for _ in range(8)]
        found = [one.result() for one in heard]
        done.set()
        assert coming.result() > 0
    assert found == [expected] * 8
    assert small.mounted() == ("robust",)


def test_an_adapter_that_goes_while_others_decode_is_heard_whole_or_refused(small, make_adapter, noise_clips):
    folder = make_adapter("robust")
    small.mount("robust", folder)
    expected = texts(small, noise_clips, ["robust"] * 3)
    done = threading.Event()

    def come_and_go():
        while not done.is_set():
            small.unmount("robust")
            small.mount("robust", folder)

    def decode(_):
        try:
            return texts(small, noise_clips, ["robust"] * 3)
        except UnknownNameError:
            return expected

    with ThreadPoolExecutor(4) as pool:
        coming = pool.submit(come_and_go)
        found = list(pool.map(decode, range(16)))
        done.set()
        coming.result()
    assert found == [expected] * 16


def test_a_block_of_using_holds_off_mount_and_unmount_of_other_threads(small, make_adapter, noise_clips):
    """What takes several calls, such as a first decoding and a second opinion, runs inside ``using(None)``."""
    small.mount("robust", make_adapter("robust"))
    base, robust = (texts(small, noise_clips[:1], [name]) for name in (None, "robust"))
    entered, asked, order = threading.Event(), threading.Event(), []

    def flow():
        with small.using(None):
            entered.set()
            assert asked.wait(60)
            found = [texts(small, noise_clips[:1], [name]) for name in (None, "robust")]
            order.append("decoded")
        return found

    def go():
        assert entered.wait(60)
        asked.set()
        small.unmount("robust")
        order.append("unmounted")

    with ThreadPoolExecutor(2) as pool:
        flowing, going = pool.submit(flow), pool.submit(go)
        assert flowing.result() == [base, robust]
        going.result()
    assert order == ["decoded", "unmounted"]
    with pytest.raises(UnknownNameError):
        texts(small, noise_clips[:1], ["robust"])


def test_what_is_mounted_can_be_asked_while_adapters_come_and_go(small, make_adapter):
    small.mount("robust", make_adapter("robust"))
    other, done = make_adapter("other"), threading.Event()

    def ask():
        while not done.is_set():
            assert "robust" in small.mounted()
            assert small.info.languages == ("en",)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask) for _ in range(2)]
        for _ in range(5):
            small.mount("other", other)
            small.unmount("other")
        done.set()
        for one in asking:
            one.result()
