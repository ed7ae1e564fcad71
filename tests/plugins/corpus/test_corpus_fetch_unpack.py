"""Archives of strangers: nothing leaves the folder, and a folder is whole or absent."""

import stat
import zipfile

import pytest

from megaasr_plugins.corpus.fetching import unpack
from megaasr_plugins.corpus.fetching.download import FetchError
from tests.plugins.corpus import public_corpora


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/evil.txt", "LibriSpeech/../../evil.txt", "..\\evil.txt"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_member_outside_the_folder_is_refused(tmp_path, name, kind):
    (tmp_path / "in").mkdir()
    archive = tmp_path / "in" / f"a.{kind}"
    if kind == "tar":
        public_corpora.bad_tar(archive, name)
    else:
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("good.txt", "x")
            file.writestr(zipfile.ZipInfo(name), "evil")
    with pytest.raises(FetchError, match=r"refused, member '.*evil\.txt' lies outside the folder"):
        unpack.unpack(archive, tmp_path / "in" / "out", lambda top: None)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [archive.name]


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    tar = public_corpora.bad_tar(tmp_path / "a.tar.gz", "link", type=b"2", linkname="../../evil", size=0)
    packed = tmp_path / "a.zip"
    with zipfile.ZipFile(packed, "w") as file:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "../../evil")
    for archive in (tar, packed):
        with pytest.raises(FetchError, match=r"refused, .*link"):
            unpack.unpack(archive, tmp_path / "out", lambda top: None)
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out.partial").exists()


def test_a_damaged_archive_is_said(tmp_path):
    made = public_corpora.librispeech(tmp_path / "made").parent
    whole = public_corpora.pack_tar(tmp_path / "whole.tar.gz", made).read_bytes()
    for name, data in (("cut.tar.gz", whole[:-900]), ("words.zip", b"words"), ("none.tar", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(FetchError, match=r"damaged|not an archive"):
            unpack.unpack(tmp_path / name, tmp_path / "out", lambda top: None)
    assert not (tmp_path / "out").exists()


def test_files_at_the_top_are_unpacked_as_they_lie(tmp_path):
    public_corpora.text(tmp_path / "in" / "a.txt", "x")
    public_corpora.text(tmp_path / "in" / "b" / "c.txt", "x")
    archive = public_corpora.pack_tar(tmp_path / "two.names.TGZ", tmp_path / "in")
    assert unpack.folder_name(archive) == "two.names"
    unpack.unpack(archive, tmp_path / "out", lambda top: None)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["a.txt", "b", "c.txt"]
