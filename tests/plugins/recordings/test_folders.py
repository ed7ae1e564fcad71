import os

import pytest

from megaasr import AudioError, ManifestError, SoundBank, find_recordings
from megaasr_plugins.recordings import av_sound

from .made import TONE, written


@pytest.fixture
def folder(tmp_path):
    """Recordings at the top, below, behind links, and what is none."""
    root, wav = tmp_path / "all", written(TONE, "WAV")
    for name in (
        *("all/a.wav", "all/b.AIFF", "all/c.oga", "all/d.w64", "all/e.caf", "all/f.m4a", "all/deep/g.flac", "far/h.au"),
        *("all/._a.wav", "all/.DS_Store", "all/.hidden/i.wav", "all/notes.txt", "all/cover.png"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(wav)
    (root / "link").symlink_to(tmp_path / "far")
    (root / "again").symlink_to(root / "deep")
    (root / "deep" / "loop").symlink_to(root)
    (root / "folder.wav").mkdir()
    os.mkfifo(root / "pipe.wav")
    return root


FOUND = ["a.wav", "b.AIFF", "c.oga", "d.w64", "deep/g.flac", "e.caf", "f.m4a", "link/h.au"]


def names(folder):
    return [path.relative_to(folder).as_posix() for path in find_recordings([folder])]


def test_recordings_of_every_suffix_are_found_once_behind_links_too(folder):
    assert names(folder) == FOUND


def test_a_bank_of_sounds_is_found_by_the_same_rule(folder):
    bank = SoundBank.open(folder)
    assert sorted(path for paths in bank.categories.values() for path in paths) == FOUND
    assert sorted(bank.categories) == ["deep", "link", "other"]


def test_what_needs_a_library_that_is_not_installed_is_told_in_one_line(folder, monkeypatch, caplog):
    monkeypatch.setattr(av_sound, "is_installed", lambda: False)
    assert names(folder) == [name for name in FOUND if name != "f.m4a"]
    (record,) = caplog.records
    assert record.getMessage() == f'megaasr: note: {folder}: left out 1 (f.m4a); pip install "megaasr[av]" reads them'


def test_a_link_to_nothing_is_told_when_it_is_read(folder):
    (folder / "gone.wav").symlink_to(folder / "nowhere.wav")
    assert "gone.wav" in names(folder)


def test_an_empty_path_is_not_the_current_folder():
    with pytest.raises(AudioError, match="an empty path is given"):
        find_recordings(["a.wav", ""])
    with pytest.raises(ManifestError, match="an empty path is given"):
        SoundBank.open("")


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "._x.wav").write_bytes(b"x")
    with pytest.raises(AudioError, match="holds no recordings that can be read"):
        find_recordings([tmp_path])
