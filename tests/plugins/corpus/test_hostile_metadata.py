"""The metadata files of a corpus are data: they name no file outside the corpus, and their faults are one line."""

import pytest

from megaasr import ManifestError, OutputError
from megaasr_plugins.corpus.fetching import fetch_manifest
from megaasr_plugins.corpus.fetching.errors import FetchError
from megaasr_plugins.corpus.fetching.fetch import fetch_corpus
from megaasr_plugins.corpus.sources.find import find_source
from tests.command_line import megaasr
from tests.plugins.corpus import public_corpora
from tests.plugins.corpus.corpora import rows_of
from tests.plugins.corpus.hostile_archives import tar


@pytest.mark.parametrize(
    "outside", ["../../../secret.mp3", "..\\..\\..\\secret.mp3", "a/../../../../secret.mp3", "a\0.mp3"]
)
def test_a_table_names_no_recording_outside_the_corpus(tmp_path, outside):
    root = public_corpora.common_voice(tmp_path / "made" / "deep")
    public_corpora.sound(root.parents[1] / "secret.mp3", 4_800)
    table = root / "train.tsv"
    table.write_text(table.read_text().replace("common_voice_0.mp3", outside))
    result = megaasr("corpus", "fetch", "common-voice", tmp_path / "out", "--from", root)
    assert result.returncode == 1
    assert "1 recordings could not be read and are left out" in result.stderr
    (row,) = rows_of(tmp_path / "out" / "unreadable.jsonl")
    assert row["error"] == f"the metadata name {row['audio']!r}, outside the corpus"
    assert not any("secret" in row["audio"] for row in rows_of(tmp_path / "out" / "manifest.jsonl"))


def test_a_transcript_with_an_absolute_name_is_one_line(tmp_path):
    root = public_corpora.librispeech(tmp_path)
    transcript = root / "dev-clean" / "84" / "121123" / "84-121123.trans.txt"
    transcript.write_text("/etc/hostname WORDS\n")
    with pytest.raises(ManifestError, match=r"^librispeech: the metadata of part dev-clean in .* cannot be read \(Val"):
        fetch_corpus(find_source("librispeech"), tmp_path / "out", origin=str(root))


@pytest.mark.parametrize("line", ["1-1-A-0.wav,x,0,dog,True,1,A", "1-1-A-0.wav", "a.wav,1,0\0,dog,True"])
def test_a_broken_table_is_one_line(tmp_path, line):
    root = public_corpora.esc50(tmp_path)
    table = root / "meta" / "esc50.csv"
    table.write_text(table.read_text() + line + "\n")
    result = megaasr("corpus", "fetch", "esc-50", tmp_path / "out", "--from", root)
    assert result.returncode in (1, 2)
    assert "Traceback" not in result.stderr


def test_whatever_one_recording_raises_costs_its_row_alone(tmp_path, monkeypatch):
    def measured(path, **_):
        if path.stem.endswith("fma-0001"):
            raise RuntimeError("unimplemented\nformat")
        return {"duration_s": 1.0}

    monkeypatch.setattr(fetch_manifest, "_measure", measured)
    report = fetch_corpus(find_source("musan"), tmp_path / "out", origin=str(public_corpora.musan(tmp_path)))
    assert (report.rows, report.unreadable) == (7, 1)
    (row,) = rows_of(tmp_path / "out" / "unreadable.jsonl")
    assert row["error"] == "RuntimeError: unimplemented format"


def test_an_archive_cannot_bring_the_record_of_its_own_origin(tmp_path):
    (tmp_path / "cv.tar").write_bytes(tar(("top/archive.json", b"{}"), ("top/a", b"x")))
    with pytest.raises(FetchError, match=r"refused, it holds a file archive\.json"):
        fetch_corpus(find_source("common-voice"), tmp_path / "out", origin=str(tmp_path / "cv.tar"))
    assert not (tmp_path / "out").exists()


def test_a_record_that_is_broken_is_named(tmp_path):
    root = public_corpora.musan(tmp_path / "made")
    archive = public_corpora.pack_tar(tmp_path / "cv.tar.gz", root.parent)
    assert archive.exists()
    (tmp_path / "out" / "musan").mkdir(parents=True)
    (tmp_path / "out" / "musan" / "archive.json").write_text("{")
    root.rename(tmp_path / "out" / "musan" / "musan")
    with pytest.raises(OutputError, match=r"archive\.json: not JSON .*; remove it"):
        fetch_corpus(find_source("musan"), tmp_path / "out", parts=("noise",))


def test_an_archive_without_the_part_leaves_no_folder(tmp_path):
    root = public_corpora.common_voice(tmp_path / "made")
    (root / "train.tsv").unlink()
    archive = public_corpora.pack_tar(tmp_path / "cv.tar.gz", tmp_path / "made")
    source = find_source("common-voice")
    for _ in range(2):
        with pytest.raises(FetchError, match="the archive holds no part train of common-voice at the expected path"):
            fetch_corpus(source, tmp_path / "out", origin=str(archive), parts=("train",))
        assert not (tmp_path / "out").exists()
    assert fetch_corpus(source, tmp_path / "out", origin=str(archive), parts=("dev",)).rows == 1
    with pytest.raises(FetchError, match=r"holds no part train .*; remove the folder to fetch it again"):
        fetch_corpus(source, tmp_path / "out", origin=str(archive), parts=("train",))
