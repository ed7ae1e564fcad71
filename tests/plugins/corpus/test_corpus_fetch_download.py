"""Downloads over loopback: going on, checking, and saying in one line what went wrong."""

import socket
from hashlib import md5, sha256

import pytest

from megaasr_core.base.errors import OutputError
from megaasr_plugins.corpus.fetching import download as downloads
from megaasr_plugins.corpus.fetching.download import TRIES, FetchError, download
from tests.plugins.corpus.range_server import serving

DATA = bytes(range(256)) * 2_000
MD5 = md5(DATA).hexdigest()


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 50_000)
    with serving() as server:
        server.files["a.tar.gz"] = DATA
        yield server


def get(served, folder, **options):
    return download(f"{served.url}/a.tar.gz", folder / "a.tar.gz", pause_s=0.0, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("published", [{}, {"md5": MD5}, {"sha256": sha256(DATA).hexdigest()}])
def test_a_file_is_brought_and_checked(served, tmp_path, published):
    found = get(served, tmp_path, **published)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA
    assert (found.num_bytes, found.md5, found.sha256) == (len(DATA), MD5, sha256(DATA).hexdigest())
    assert found.is_checked == bool(published)
    assert names(tmp_path) == ["a.tar.gz"]


@pytest.mark.parametrize("published", [{}, {"md5": MD5}])
def test_a_connection_that_is_cut_is_gone_on_with(served, tmp_path, published):
    served.cut_after = [100_000, 70_000, 0, 200_000]
    get(served, tmp_path, **published)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA
    assert [wanted for _, wanted in served.asked] == [
        None,
        "bytes=100000-",
        "bytes=170000-",
        "bytes=170000-",
        "bytes=370000-",
    ]


@pytest.mark.parametrize("published", [{}, {"md5": MD5}])
def test_a_killed_download_is_gone_on_with_by_the_next_run(served, tmp_path, published):
    served.cut_after = [100_000] + [0] * TRIES
    with pytest.raises(FetchError, match=r"cut off after 100000 of 512000 bytes; start again to go on"):
        get(served, tmp_path, **published)
    assert (tmp_path / "a.tar.gz.partial").stat().st_size == 100_000
    assert not (tmp_path / "a.tar.gz").exists()
    served.asked.clear()
    served.cut_after = []
    get(served, tmp_path, **published)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA
    assert served.asked == [("/a.tar.gz", "bytes=100000-")]
    assert names(tmp_path) == ["a.tar.gz"]


def test_a_file_that_was_whole_before_it_was_renamed_is_not_brought_again(served, tmp_path):
    (tmp_path / "a.tar.gz.partial").write_bytes(DATA)
    get(served, tmp_path, md5=MD5)
    assert len(served.asked) == 1
    assert names(tmp_path) == ["a.tar.gz"]


def test_another_version_of_the_file_is_brought_from_its_beginning(served, tmp_path):
    served.cut_after = [100_000] + [0] * TRIES
    with pytest.raises(FetchError):
        get(served, tmp_path)
    served.files["a.tar.gz"], served.etag, served.cut_after = DATA[::-1], '"second"', []
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA[::-1]


def test_a_rest_that_is_longer_than_the_file_is_dropped(served, tmp_path):
    (tmp_path / "a.tar.gz.partial").write_bytes(DATA + b"more")
    get(served, tmp_path, md5=MD5)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA


@pytest.mark.parametrize("reason", ["no ranges", "no mark", "weak mark"])
def test_a_server_that_cannot_go_on_sends_all(served, tmp_path, reason):
    served.ranges = reason != "no ranges"
    served.etag = {"no mark": "", "weak mark": 'W/"first"'}.get(reason, served.etag)
    served.cut_after = [100_000]
    get(served, tmp_path)
    assert (tmp_path / "a.tar.gz").read_bytes() == DATA
    assert [wanted for _, wanted in served.asked][1] == ("bytes=100000-" if reason == "no ranges" else None)


def test_a_wrong_checksum_is_said_and_the_file_removed(served, tmp_path):
    with pytest.raises(FetchError, match=rf"^a\.tar\.gz: wrong checksum, md5 {MD5} where {'0' * 32} is published"):
        get(served, tmp_path, md5="0" * 32)
    assert names(tmp_path) == []


def test_a_server_that_is_busy_is_asked_again(served, tmp_path):
    served.codes = [503, 429]
    get(served, tmp_path, md5=MD5)
    assert len(served.asked) == 3
    served.codes = [503] * TRIES
    (tmp_path / "a.tar.gz").unlink()
    with pytest.raises(FetchError, match="the server answers 503"):
        get(served, tmp_path)


def test_what_is_not_there_is_said_at_once(served, tmp_path):
    with pytest.raises(FetchError, match="the server answers 404 Not Found; name a mirror with --from"):
        download(f"{served.url}/b.zip", tmp_path / "b.zip")
    assert len(served.asked) == 1
    with pytest.raises(FetchError, match="only http and https"):
        download("file:///etc/hostname", tmp_path / "b.zip")
    assert names(tmp_path) == []


def test_without_a_network_nothing_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "a.partial").write_bytes(b"kept")
    with pytest.raises(FetchError, match=r"no connection \(.*refused.*\); try again with a network") as caught:
        download(f"http://127.0.0.1:{port}/a", tmp_path / "a", pause_s=60.0)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "a.partial").read_bytes() == b"kept"


def test_a_full_disk_is_noticed_before(served, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda folder: type("", (), {"free": 1_000})())
    with pytest.raises(OutputError, match=r"0\.0 GB are needed and 0\.0 GB are free"):
        get(served, tmp_path)
