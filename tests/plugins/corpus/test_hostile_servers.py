"""Servers that mean harm or are broken: each ends in one line, in bounded time and memory, and a next run goes on."""

import errno
import gzip
import io
import itertools
import os
import random
import tracemalloc
from dataclasses import replace
from hashlib import md5

import pytest

from megaasr import OutputError
from megaasr_plugins.corpus.fetching import download as downloads
from megaasr_plugins.corpus.fetching import http_client
from megaasr_plugins.corpus.fetching.download import download
from megaasr_plugins.corpus.fetching.errors import FetchError
from megaasr_plugins.corpus.fetching.fetch import fetch_corpus
from megaasr_plugins.corpus.fetching.http_client import DownloadLimits, Pace
from megaasr_plugins.corpus.sources.find import find_source
from tests.command_line import megaasr
from tests.plugins.corpus import public_corpora
from tests.plugins.corpus.hostile_answers import CHUNKED, DATA, RANGED, REFUSED, SMALL, of_two_answers, rest
from tests.plugins.corpus.hostile_archives import changed, header, tar
from tests.plugins.corpus.hostile_server import STALL, answer, hostile


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 2_000)
    with hostile() as server:
        yield server


def get(served, folder, limits=SMALL, **options):
    return download(f"{served.url}/a.tar.gz", folder / "a.tar.gz", pause_s=0.0, limits=limits, **options)


@pytest.mark.parametrize("name", REFUSED)
def test_a_server_that_means_harm_ends_in_one_line(served, tmp_path, name):
    answers, line = REFUSED[name]
    served.answers = answers
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match=line) as caught:
            get(served, tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 8e6
    finally:
        tracemalloc.stop()
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 800
    assert len(served.asked) <= 2 * SMALL.tries + 10
    assert {path.name for path in tmp_path.iterdir()} <= {"a.tar.gz.partial", "a.tar.gz.partial.mark"}
    served.answers, served.asked = [answer(DATA, **RANGED)], []
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA, "what this run has left does not hold back the next"


@pytest.mark.parametrize("name", ["endless headers", "endless trailers", "redirect with an endless body"])
def test_an_endless_answer_is_not_read_on(served, tmp_path, name):
    served.answers = REFUSED[name][0]
    with pytest.raises(FetchError):
        get(served, tmp_path, replace(SMALL, tries=1))
    assert served.num_sent < 15e6, "the buffers of the connections and little more"


def test_the_whole_file_instead_of_the_rest_is_taken_but_not_for_ever(served, tmp_path):
    served.answers = [answer(DATA[:number], **RANGED) for number in (1_000, 2_500, 4_000)]
    with pytest.raises(FetchError, match="cut off after 4000 of 5000 bytes"):
        get(served, tmp_path)
    assert len(served.asked) == 3
    served.answers, served.asked = [answer(DATA, **RANGED)], []
    get(served, tmp_path)
    assert [line for line in served.asked[0] if line.startswith("Range")] == ["Range: bytes=4000-"]
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA


@pytest.mark.parametrize("field", ["ETag", "Last_Modified"])
def test_another_version_in_the_middle_is_brought_from_its_beginning(served, tmp_path, field):
    first, second = {field: '"1"' if field == "ETag" else "Mon"}, {field: '"2"' if field == "ETag" else "Tue"}
    size = {"Content_Length": 5_000}
    other = answer(DATA[2_000:], "206 Partial", Content_Range="bytes 2000-4999/5000", Content_Length=3_000, **second)
    served.answers = [answer(DATA[:2_000], **size, **first), other, answer(DATA[::-1], **size, **second)]
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA[::-1]


def test_parts_of_two_files_are_noticed_by_the_checksum(served, tmp_path):
    served.answers = of_two_answers(rest(2_000, DATA[1_000:4_000], ETag='"2"'))
    with pytest.raises(FetchError, match=r"wrong checksum, .* it was removed: start again"):
        get(served, tmp_path, md5=md5(DATA).hexdigest())
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_is_announced_as_gzip_is_stored_as_it_is_sent(served, tmp_path):
    data = gzip.compress(bytes(50_000))
    served.answers = [answer(data, Content_Encoding="x-gzip", Content_Length=len(data))]
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == data
    with pytest.raises(FetchError, match="sent with the encoding 'x-gzip', which was not asked for"):
        download(f"{served.url}/a.zip", tmp_path / "a.zip", limits=SMALL)


def test_redirects_lead_to_http_and_https_and_never_out_of_encryption(served, tmp_path):
    served.answers = [answer(status="302 Go", Location="/b"), answer(DATA, Content_Length=5_000)]
    get(served, tmp_path)
    assert [lines[0] for lines in served.asked] == ["GET /a.tar.gz HTTP/1.1", "GET /b HTTP/1.1"]
    assert http_client.redirected("https://a/b", "/c") == "https://a/c"
    assert http_client.redirected("http://a/b", "https://a/c") == "https://a/c"
    with pytest.raises(FetchError, match="redirected from https to http://a/c, which is not encrypted; refused"):
        http_client.redirected("https://a/b", "http://a/c")


def test_a_server_that_is_too_slow_is_given_up(served, tmp_path):
    """The clock goes a minute further with each piece that arrives."""
    limits = DownloadLimits(tries=2)
    for body in (answer(DATA[:50], Content_Length=50), [b"HTTP/1.1 200 OK\r\n", STALL]):
        served.answers = [body]
        with pytest.raises(FetchError, match=r"slower than 1000 bytes per second|timed out"):
            get(served, tmp_path, replace(limits, timeout_s=0.3), clock=itertools.count(0, 60.0).__next__)
    pace = Pace(replace(limits, timeout_s=60.0), iter([0.0, 59.0, 61.0, 100.0, 122.0]).__next__)
    for number in (1_000, 70_000, 1_000):
        pace.received(number)
    with pytest.raises(TimeoutError, match="slower than 1000 bytes per second"):
        pace.received(1_000)


def test_attempts_are_bounded_even_when_each_brings_something(served, tmp_path):
    served.answers = [answer(DATA[:1_000], **RANGED), rest(1_000, DATA[1_000:2_500], Content_Length=4_000)]
    served.answers += [rest(2_500, DATA[2_500:4_000], Content_Length=2_500)]
    with pytest.raises(FetchError, match="cut off after 4000 of 5000 bytes"):
        get(served, tmp_path, replace(SMALL, max_tries=3))
    assert len(served.asked) == 3


def test_a_disk_that_becomes_full_is_one_line_and_what_is_there_stays(served, tmp_path, monkeypatch):
    served.answers = [answer(DATA, **RANGED)]

    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(downloads.PartialFile, "appending", lambda self: Full())
        with pytest.raises(OutputError, match=r"cannot write .*a\.tar\.gz\.partial: No space left on device"):
            get(served, tmp_path)
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA


@pytest.mark.parametrize("name", ["a.tar.gz.partial", "a.tar.gz.partial.mark"])
@pytest.mark.parametrize("kind", ["symbolic", "hard", "dangling", "fifo", "folder"])
def test_what_is_downloaded_is_not_written_through_a_link(served, tmp_path, name, kind):
    served.answers = [answer(DATA, **RANGED)]
    precious, link = tmp_path / "precious", tmp_path / name
    precious.write_text("precious")
    if kind == "hard":
        link.hardlink_to(precious)
    elif kind == "fifo":
        os.mkfifo(link)
    elif kind == "folder":
        link.mkdir()
    else:
        link.symlink_to(precious if kind == "symbolic" else tmp_path / "nowhere")
    with pytest.raises(OutputError, match="it is a link or no plain file; remove it"):
        get(served, tmp_path)
    assert precious.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"a\nb", b"x" * 9_999, b"\r\nHost: evil"])
def test_a_broken_mark_starts_the_download_again(served, tmp_path, mark):
    served.answers = [answer(DATA, **RANGED)]
    (tmp_path / "a.tar.gz.partial").write_bytes(b"half")
    (tmp_path / "a.tar.gz.partial.mark").write_bytes(mark)
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA


@pytest.fixture
def musan(tmp_path, monkeypatch):
    """Fetching MUSAN as if no checksum were published, with small limits; and a good archive of it."""
    source = find_source("musan")
    anything = replace(source, archives=tuple(replace(one, md5=None) for one in source.archives))
    monkeypatch.setattr("megaasr_plugins.corpus.sources.find.find_source", lambda *_: anything)
    monkeypatch.setattr(downloads.download, "__kwdefaults__", downloads.download.__kwdefaults__ | QUICKLY)
    public_corpora.musan(tmp_path / "made")
    return public_corpora.pack_tar(tmp_path / "musan.tar.gz", tmp_path / "made").read_bytes()


QUICKLY = {"limits": replace(SMALL, max_unsized_bytes=10**6), "pause_s": 0.0}


@pytest.mark.parametrize("name", ["endless chunks", "a byte a try", "two lengths", "redirect to a file", "a page"])
def test_the_command_line_says_it_in_one_line(served, musan, tmp_path, name):
    served.answers = REFUSED[name][0]
    result = megaasr("corpus", "fetch", "musan", tmp_path / "out", "--from", served.url)
    assert result.returncode == 2
    *told, line = result.stderr.strip().split("\n")
    assert line.startswith(f"megaasr: error: {served.url}/musan.tar.gz: ")
    assert all(": unknown size; MUSAN" in one or " MB" in one for one in told)


@pytest.mark.parametrize("bad", ["cut", "page", "link", "other corpus"])
def test_a_bad_archive_does_not_stay(served, musan, tmp_path, bad):
    link = gzip.compress(tar(header("musan/noise", kind=b"2", linkname="/etc")))
    data = {"cut": musan[:-9], "page": b"<html></html>", "link": link, "other corpus": gzip.compress(tar(("a", b"x")))}
    served.answers = [answer(data[bad], Content_Length=len(data[bad])), answer(musan, Content_Length=len(musan))]
    call = ("corpus", "fetch", "musan", tmp_path / "out", "--from", served.url)
    first = megaasr(*call)
    assert first.returncode == 2
    assert first.stderr.strip().endswith("; the downloaded file was removed")
    assert not (tmp_path / "out").exists()
    assert megaasr(*call).returncode == 0
    assert len(served.asked) == 2


def test_an_archive_of_a_killed_run_that_fails_its_checksum_is_downloaded_again(served, tmp_path, monkeypatch):
    source = find_source("musan")
    public_corpora.musan(tmp_path / "made")
    good = public_corpora.pack_tar(tmp_path / "musan.tar.gz", tmp_path / "made").read_bytes()
    source = replace(source, archives=(replace(source.archives[0], md5=md5(good).hexdigest()),))
    (tmp_path / "out" / "archives").mkdir(parents=True)
    (tmp_path / "out" / "archives" / "musan.tar.gz").write_bytes(good[:-1])
    served.answers = [answer(good, Content_Length=len(good))]
    lines = []
    assert fetch_corpus(source, tmp_path / "out", origin=served.url, tell=lines.append).rows == 8
    assert lines[0].startswith("musan.tar.gz: wrong checksum")
    assert lines[0].endswith("it is downloaded again")


def test_answers_changed_at_random_end_whole_or_in_one_line(served, tmp_path):
    rng, outcomes = random.Random(7), set()
    whole = answer(DATA, Content_Type="application/gzip", Accept_Ranges="bytes", **RANGED)
    chunked = answer(b"5DC\r\n" + DATA[:1_500] + b"\r\nDAC\r\n" + DATA[1_500:] + b"\r\n0\r\n\r\n", **CHUNKED)
    moved = answer(status="302 Go", Location="/a.tar.gz", Content_Length=0)
    for _ in range(120):
        first = rng.choice((whole, whole[:-1_000], chunked, moved))
        head = first.index(b"\r\n\r\n") + 4
        served.answers = [changed(first[:head], rng) + first[head:], rest(4_000, DATA[4_000:]), whole]
        served.asked = []
        line = _line(served, tmp_path)
        outcomes.add(line.rpartition("a.tar.gz: ")[2][:20])
        assert "\n" not in line
        assert len(line) < 800
        if not line:
            assert (tmp_path / "a.tar.gz").read_bytes() == DATA
        for path in tmp_path.iterdir():
            path.unlink()
    assert "" in outcomes
    assert len(outcomes) > 5


def _line(served, folder):
    try:
        get(served, folder, replace(SMALL, timeout_s=0.05), md5=md5(DATA).hexdigest())
    except FetchError as error:
        return str(error)
    return ""
