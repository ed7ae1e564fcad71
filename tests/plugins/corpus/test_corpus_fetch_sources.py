"""Each public corpus, from its own layout to our manifest."""

import shutil
from dataclasses import replace

import pytest

from megaasr import installed_plugins
from megaasr_core.base.errors import ManifestError, ParameterError
from megaasr_plugins.corpus.fetching.fetch import fetch_corpus
from megaasr_plugins.corpus.sources.find import find_source
from tests.plugins.corpus import public_corpora
from tests.plugins.corpus.corpora import rows_of

SOURCES = installed_plugins().registry("corpus_source")

COPIES = {
    "librispeech": public_corpora.librispeech,
    "common-voice": public_corpora.common_voice,
    "musan": public_corpora.musan,
    "esc-50": public_corpora.esc50,
    "rirs": public_corpora.rirs,
    "rirs-noises": public_corpora.rirs,
}
OWN_FIELDS = {
    "speech": {"audio", "text", "language", "speaker", "duration_s", "source", "licence", "split"},
    "noise": {"audio", "category", "duration_s", "source", "licence", "recording", "split"},
    "rir": {"audio", "kind", "space", "duration_s", "provenance", "source", "licence", "split"},
}


def fetched(name, tmp_path, *parts):
    """The rows, by the stem of their audio, of an unpacked copy."""
    COPIES[name](tmp_path / "from")
    fetch_corpus(find_source(name), tmp_path / "out", parts=parts, origin=str(tmp_path / "from"))
    rows = rows_of(tmp_path / "out" / "manifest.jsonl")
    assert all((tmp_path / "out" / row["audio"]).is_file() for row in rows)
    stems = [row["audio"].rpartition("/")[2].partition(".")[0] for row in rows]
    return dict(zip(stems, rows, strict=True))


@pytest.mark.parametrize("name", sorted(COPIES))
def test_every_row_has_the_fields_of_its_kind(name, tmp_path):
    for row in fetched(name, tmp_path).values():
        assert row.keys() >= OWN_FIELDS[SOURCES[name].kind]
        assert row["duration_s"] >= 0.1
        assert row["audio"].startswith("../from/"), "an unpacked copy stays where it is"


def test_the_catalogue_is_consistent():
    assert len(SOURCES) == 7
    for source in SOURCES.values():
        assert set(source.usual) <= set(source.parts)
        assert source.homepage.startswith("https://")
        assert {part for archive in source.archives for part in archive.parts} in (set(), set(source.parts))
        for archive in source.archives:
            assert archive.url.startswith("https://")
            assert archive.md5 is None or len(archive.md5) == 32


def test_librispeech(tmp_path):
    rows = fetched("librispeech", tmp_path)
    assert sorted(rows) == ["174-50561-0000", "174-50561-0001", "84-121123-0000", "84-121123-0001"]
    assert rows["84-121123-0001"] == {
        "audio": "../from/LibriSpeech/dev-clean/84/121123/84-121123-0001.flac",
        "id": "librispeech-84-121123-0001",
        "text": "WORDS OF 84 NUMBER 1",
        "language": "en",
        "speaker": "ls-84",
        "gender": "f",
        "source": "LibriSpeech dev-clean",
        "duration_s": 0.1001,
        "licence": "CC BY 4.0",
        "split": "dev",
    }
    assert "gender" not in rows["174-50561-0000"]


def test_common_voice(tmp_path):
    rows = fetched("common-voice", tmp_path)
    assert [row["split"] for row in rows.values()] == ["train", "dev", "test"]
    first = rows["common_voice_0"]
    assert (first["text"], first["language"], first["licence"]) == ('Say "train".', "en", "CC0 1.0")
    assert first["speaker"] == "cv-" + "a" * 32
    assert "gender" not in first


def test_validated_common_voice_shares_nothing_with_the_other_parts(tmp_path):
    rows = fetched("common-voice", tmp_path, "train", "validated")
    assert {stem: row["split"] for stem, row in rows.items()} == {
        "common_voice_0": "train",
        "common_voice_3": "validated",
    }
    assert (rows["common_voice_3"]["gender"], rows["common_voice_3"]["accent"]) == ("m", "Welsh")


def test_common_voice_of_two_languages_asks_for_one(tmp_path):
    for language in ("en", "cy"):
        public_corpora.common_voice(tmp_path / "from", language)
    source = find_source("common-voice")
    with pytest.raises(ParameterError, match=r"several languages \(cy, en\)"):
        fetch_corpus(source, tmp_path / "out", origin=str(tmp_path / "from"))
    one = tmp_path / "from" / "cv-corpus-17.0-2024-03-15" / "cy"
    fetch_corpus(source, tmp_path / "out", origin=str(one))
    assert {row["language"] for row in rows_of(tmp_path / "out" / "manifest.jsonl")} == {"cy"}


def test_a_table_that_is_not_common_voice_is_named(tmp_path):
    root = public_corpora.common_voice(tmp_path / "from")
    source = find_source("common-voice")
    public_corpora.text(root / "train.tsv", "client_id\tpath\tsentence", "a\tb.mp3\t")
    with pytest.raises(ManifestError, match=r"train\.tsv, line 2: client_id, path or sentence is empty"):
        fetch_corpus(source, tmp_path / "out", origin=str(root))
    public_corpora.text(root / "train.tsv", "a\tb")
    with pytest.raises(ManifestError, match=r"train\.tsv: lacks the column client_id, path, sentence"):
        fetch_corpus(source, tmp_path / "out", origin=str(root))


def test_aishell_is_tars_in_a_tar(tmp_path):
    root = public_corpora.aishell(tmp_path / "made")
    archive = public_corpora.pack_tar(tmp_path / "data_aishell.tgz", root.parent, "data_aishell")
    source = find_source("aishell-1")
    with pytest.raises(ManifestError, match="the speakers' archives are still packed"):
        fetch_corpus(source, tmp_path / "out", origin=str(root))
    fetch_corpus(_unchecked(source), tmp_path / "out", origin=str(archive))
    rows = rows_of(tmp_path / "out" / "manifest.jsonl")
    assert [(row["split"], row["speaker"]) for row in rows] == [
        ("train", "aishell-S0002"),
        ("dev", "aishell-S0724"),
        ("test", "aishell-S0764"),
    ]
    assert rows[0]["text"] == "广州市房地产the big中介"
    assert rows[0]["audio"] == "data_aishell/wav/train/S0002/BAC009S0002W0121.wav"
    assert rows[0]["language"] == "zh"
    assert not list((tmp_path / "out").rglob("*.tar.gz"))


def test_musan(tmp_path):
    rows = fetched("musan", tmp_path)
    assert {row["category"] for row in rows.values()} == {"noise", "music", "speech"}
    assert rows["music-fma-0001"]["source"] == "MUSAN music/fma"
    shutil.rmtree(tmp_path / "out")
    shutil.rmtree(tmp_path / "from")
    assert {row["category"] for row in fetched("musan", tmp_path, "noise").values()} == {"noise"}


def test_esc50_keeps_what_may_not_be_sold_apart(tmp_path):
    rows = fetched("esc-50", tmp_path)
    found = {row["recording"]: (row["category"], row["licence"], row["split"]) for row in rows.values()}
    assert found == {
        "freesound-100": ("dog", "CC BY 3.0", "train"),
        "freesound-101": ("dog", "CC BY 3.0", "dev"),
        "freesound-102": ("frog", "CC BY-NC 3.0", "train"),
    }


def test_an_esc50_table_that_is_another_is_named(tmp_path):
    root = public_corpora.esc50(tmp_path / "from")
    public_corpora.text(root / "meta" / "esc50.csv", "filename,fold", "a.wav,1")
    with pytest.raises(ManifestError, match=r"esc50\.csv: lacks the column 'esc10'"):
        fetch_corpus(find_source("esc-50"), tmp_path / "out", origin=str(root))


def test_room_responses(tmp_path):
    rows = fetched("rirs", tmp_path)
    array = rows["RVB2014_type1_rir_largeroom1_far_angla"]
    assert (array["space"], array["channels"], array["provenance"]) == ("RVB2014_largeroom1", 8, "measured")
    assert rows["air_type1_air_binaural_lecture_0_1"]["category"] == "real"
    manifest = rows_of(tmp_path / "out" / "manifest.jsonl")
    assert len(manifest) == 8, "two measured, and two rooms of each of three sizes"
    splits = {}
    for row in manifest:
        splits.setdefault(row["space"], set()).add(row["split"])
    assert all(len(one) == 1 for one in splits.values())
    assert "smallroom Room001" in splits


def test_the_noises_of_the_rooms_are_a_corpus_of_noise(tmp_path):
    rows = fetched("rirs-noises", tmp_path)
    assert {stem: row["category"] for stem, row in rows.items()} == {
        "RVB2014_type1_noise_largeroom1_1": "isotropic",
        "noise-free-sound-0000": "pointsource",
    }


def _unchecked(source):
    """The corpus without its published checksums, which no copy for a test has."""
    return replace(source, archives=tuple(replace(one, md5=None) for one in source.archives))
