"""Archives that mean harm: each is one line that names the member, and nothing is left outside or half-written."""

import errno
import io
import lzma
import os
import random
import shutil
import struct
import tarfile
import zipfile
import zlib

import pytest

from megaasr import MegaasrError, OutputError
from megaasr_plugins.corpus.fetching import archive_limits, archive_members
from megaasr_plugins.corpus.fetching.archive_limits import ArchiveLimits
from megaasr_plugins.corpus.fetching.errors import FetchError
from megaasr_plugins.corpus.fetching.unpack import extract, unpack
from tests.command_line import megaasr
from tests.plugins.corpus.hostile_archives import PACKERS, changed, header, listing, packed_zip, tar
from tests.plugins.corpus.hostile_members import BOMBS, DAMAGE, GOOD, GOOD_ZIP, MEMBERS, SPEECH

SMALL = ArchiveLimits(spare_bytes=100_000, max_members=50)


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(archive_limits.Account.__init__, "__defaults__", (SMALL,))


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_that_means_harm_is_refused_by_name(tmp_path, name):
    data, line = MEMBERS[name]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tar.gz").write_bytes(data)
    before = listing(tmp_path)
    with pytest.raises(FetchError) as caught:
        unpack(tmp_path / "in" / "a.tar.gz", tmp_path / "in" / "out", lambda top: None)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert listing(tmp_path) == before


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz"])
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_ends_before_it_is_unpacked(tmp_path, bomb, packing):
    (tmp_path / "a").write_bytes(PACKERS[packing](BOMBS[bomb]))
    with pytest.raises(FetchError, match=r"unpacks to|declares|damaged"):
        unpack(tmp_path / "a", tmp_path / "out", lambda top: None)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_bomb_in_a_zip_ends_before_the_first_file(tmp_path):
    zeros = [(f"{number}", bytes(900_000)) for number in range(9)]
    (tmp_path / "a").write_bytes(packed_zip(*zeros, compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(FetchError, match=r"unpacks to 8 MB or more; 1 MB are the most for its 0\.\d+ MB"):
        unpack(tmp_path / "a", tmp_path / "out", lambda top: pytest.fail("it was unpacked"))


def test_archives_within_an_archive_share_its_limits(tmp_path):
    inner = PACKERS[".gz"](tar(*(("n", bytes(90_000)),)))
    (tmp_path / "a").write_bytes(tar(*((f"{number}.tar.gz", inner) for number in range(4))))

    def finish(top):
        for archive in sorted(top.glob("*.tar.gz")):
            folder = top / archive.name[0]
            folder.mkdir()
            extract(archive, folder)

    unpack(tmp_path / "a", tmp_path / "out", finish)
    (tmp_path / "b").write_bytes(PACKERS[".gz"](tar(*((f"{number}.tar.gz", inner) for number in range(4)))))
    with pytest.raises(FetchError, match=r"0\.tar\.gz: refused|1\.tar\.gz: refused|2\.tar\.gz: refused"):
        unpack(tmp_path / "b", tmp_path / "out2", finish)


def test_a_file_larger_than_the_disk_is_not_begun(tmp_path, monkeypatch):
    disk = type("Disk", (), {"free": 1_000})()
    monkeypatch.setattr("megaasr_plugins.corpus.fetching.download.shutil.disk_usage", lambda folder: disk)
    for number, data in enumerate((tar(("a", bytes(2**20))), packed_zip(("a", bytes(2**20))))):
        (tmp_path / f"{number}").write_bytes(data)
        with pytest.raises(OutputError, match=r"0\.0 GB are needed and 0\.0 GB are free"):
            unpack(tmp_path / f"{number}", tmp_path / "out", lambda top: None)
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [GOOD, GOOD_ZIP])
def test_a_disk_that_becomes_full_leaves_nothing(tmp_path, monkeypatch, data):
    class Full(io.BytesIO):
        def write(self, piece):
            raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "a").write_bytes(data)
    monkeypatch.setattr(archive_members.os, "fdopen", lambda number, mode: os.close(number) or Full())
    with pytest.raises(OutputError, match=r"cannot write .*a\.txt: No space left on device"):
        unpack(tmp_path / "a", tmp_path / "out", lambda top: None)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_archive_is_not_taken_for_a_shorter_one(tmp_path, name):
    (tmp_path / "a").write_bytes(DAMAGE[name])
    with pytest.raises(FetchError, match="damaged or not an archive") as caught:
        unpack(tmp_path / "a", tmp_path / "out", lambda top: None)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz"])
def test_a_compressed_archive_is_read_to_its_checksum(tmp_path, packing):
    whole = PACKERS[packing](GOOD)
    for end, tail in ((None, b"trailing"), (-1, b""), (-6, b""), (len(whole) // 2, b"")):
        (tmp_path / "a").write_bytes(whole[:end] + tail)
        with pytest.raises(FetchError, match="damaged"):
            unpack(tmp_path / "a", tmp_path / "out", lambda top: None)
    for good in (whole, whole + bytes(64), PACKERS[packing](GOOD[:700]) + bytes(8) + PACKERS[packing](GOOD[700:])):
        (tmp_path / "a").write_bytes(good)
        unpack(tmp_path / "a", tmp_path / f"out{len(good)}", lambda top: None)
        assert (tmp_path / f"out{len(good)}" / "b" / "c.flac").read_bytes() == SPEECH


def test_an_xz_that_needs_gigabytes_is_refused(tmp_path):
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**20}]
    data = bytearray(lzma.compress(GOOD, filters=filters))
    (tmp_path / "a").write_bytes(data)
    unpack(tmp_path / "a", tmp_path / "out", lambda top: None)
    at = data.index(bytes([0x21, 0x01])) + 2
    data[at] = 37  # a dictionary of 1.5 GiB; the checksum of the block header follows
    begin, size = 12, (data[12] + 1) * 4
    data[begin + size - 4 : begin + size] = struct.pack("<L", zlib.crc32(data[begin : begin + size - 4]))
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(FetchError, match="Memory usage limit exceeded"):
        unpack(tmp_path / "a", tmp_path / "out2", lambda top: None)


def test_what_a_killed_run_left_is_removed_without_following_links(tmp_path):
    precious = tmp_path / "precious"
    (precious / "kept").mkdir(parents=True)
    (tmp_path / ".out.0123.partial" / "half").mkdir(parents=True)
    (tmp_path / ".out.4567.partial").symlink_to(precious)
    (tmp_path / "a").write_bytes(GOOD)
    unpack(tmp_path / "a", tmp_path / "out", lambda top: None)
    assert not (tmp_path / ".out.0123.partial").exists()
    assert (precious / "kept").is_dir()
    for present in ("out", "link"):
        if present == "link":
            (tmp_path / "link").symlink_to(precious)
        with pytest.raises(OutputError, match="is there already; remove it"):
            unpack(tmp_path / "a", tmp_path / present, lambda top: None)


def test_files_have_ordinary_permissions_and_the_folder_appears_at_the_end(tmp_path):
    (tmp_path / "a").write_bytes(tar(header("top/", kind=b"5", mode=0), header("top/a", 0, mode=0o6777), ("b", b"x")))
    seen = []
    unpack(tmp_path / "a", tmp_path / "out", lambda top: seen.extend([top, (tmp_path / "out").exists()]))
    assert seen[1] is False
    assert seen[0].parent.parent == tmp_path
    assert (tmp_path / "out" / "top" / "a").stat().st_mode & 0o7111 == 0
    assert os.access(tmp_path / "out" / "top", os.R_OK | os.X_OK)


def test_the_command_line_says_it_in_one_line(tmp_path):
    (tmp_path / "cv.tar.gz").write_bytes(PACKERS[".gz"](MEMBERS["chain beyond PATH_MAX"][0]))
    result = megaasr("corpus", "fetch", "common-voice", tmp_path / "out", "--from", tmp_path / "cv.tar.gz")
    assert result.returncode == 2
    *_, line = result.stderr.strip().split("\n")
    assert line.startswith(f"megaasr: error: {tmp_path / 'cv.tar.gz'}: refused, member '")
    assert "is a symbolic link; get it from its publisher" in line
    assert [path.name for path in tmp_path.iterdir()] == ["cv.tar.gz"]


@pytest.mark.parametrize("packing", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".zip"])
def test_archives_changed_at_random_end_whole_or_in_one_line(tmp_path, packing):
    """What is accepted has the right content; a plain tar has no checksum of its content, only of its headers."""
    packer = PACKERS.get(packing.removeprefix(".tar"))
    good, rng = packer(GOOD) if packer else GOOD_ZIP, random.Random(packing)
    lines = set()
    for number in range(80):
        archive, out = tmp_path / f"{number}{packing}", tmp_path / "out"
        archive.write_bytes(changed(good, rng))
        line = _line(archive, out)
        lines.add(line)
        if not line:
            found = listing(out)
            assert not any(path.is_symlink() for path in out.rglob("*"))
            assert packing == ".tar" or found["b/c.flac"] == SPEECH
            assert packing == ".tar" or {*found} == {"a.txt", "b", "b/c.flac"}
            shutil.rmtree(out)
        archive.unlink()
        assert [*tmp_path.iterdir()] == []
    assert len(lines) > 3
    assert all("\n" not in line for line in lines)


def _line(archive, out):
    try:
        unpack(archive, out, lambda top: None)
    except MegaasrError as error:
        return str(error)
    return ""


def test_tarfile_still_reads_the_headers_that_are_read_here(tmp_path):
    """Archives of `tarfile` in each of its formats, with long names."""
    name = "é" * 60 + "/" + "n" * 200
    for number, form in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        path = tmp_path / f"{number}.tar.xz"
        (tmp_path / "b").write_bytes(SPEECH)
        with tarfile.open(path, "w:xz", format=form) as file:
            file.add(tmp_path / "b", name)
            file.add(tmp_path / "b", "./b")
        unpack(path, tmp_path / f"{number}", lambda top: None)
        assert (tmp_path / f"{number}" / name).read_bytes() == (tmp_path / f"{number}" / "b").read_bytes() == SPEECH
