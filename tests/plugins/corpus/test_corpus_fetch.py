"""`megaasr corpus fetch`: from archives, local or on a server, to a manifest that the other commands take."""

import json
import shutil
from dataclasses import replace
from hashlib import md5

import pytest

from megaasr_core.base.errors import ManifestError, OutputError, ParameterError, UnknownNameError
from megaasr_core.base.sound_bank import SoundBank
from megaasr_plugins.corpus.fetching import fetch, fetch_manifest, unpack
from megaasr_plugins.corpus.fetching.download import FetchError
from megaasr_plugins.corpus.fetching.fetch import fetch_corpus
from megaasr_plugins.corpus.planning.plan_corpus import PlanRequest, plan_corpus
from megaasr_plugins.corpus.planning.scenario_lists import open_scenarios
from megaasr_plugins.corpus.sources.find import find_source
from tests.core.conftest import TONES
from tests.core.test_cli import megaasr, refused
from tests.plugins.corpus import public_corpora
from tests.plugins.corpus.corpora import contents, rows_of
from tests.plugins.corpus.range_server import serving
from tests.plugins.corpus.serial_engine import Serial


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture
def archives(tmp_path):
    """Two parts of LibriSpeech as they are published, and the corpus with the checksums that these have."""
    folder = tmp_path / "archives"
    folder.mkdir()
    sums = {}
    for part in ("dev-clean", "test-clean"):
        public_corpora.librispeech(tmp_path / part, part)
        packed = public_corpora.pack_tar(folder / f"{part}.tar.gz", tmp_path / part)
        shutil.rmtree(tmp_path / part)
        sums[part] = md5(packed.read_bytes()).hexdigest()
    source = find_source("librispeech")
    known = tuple(replace(one, md5=sums.get(one.parts[0], one.md5)) for one in source.archives)
    return folder, replace(source, archives=known, usual=("dev-clean",))


def test_archives_of_a_folder_are_checked_unpacked_and_listed(archives, tmp_path):
    folder, source = archives
    before = contents(folder)
    report = fetch_corpus(source, tmp_path / "out", origin=str(folder))
    assert (report.rows, report.unreadable, report.is_new) == (8, 0, True)
    assert tuple(report.roots) == ("dev-clean", "test-clean"), "every part that lies there"
    assert [(one["name"], one["is_published"]) for one in report.archives] == [
        ("dev-clean.tar.gz", True),
        ("test-clean.tar.gz", True),
    ]
    rows = rows_of(tmp_path / "out" / "manifest.jsonl")
    assert rows[0]["audio"] == "dev-clean/dev-clean/174/50561/174-50561-0000.flac"
    assert {row["split"] for row in rows} == {"dev", "test"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "dev-clean",
        "test-clean",
        "manifest.jsonl",
        "fetch.json",
    }
    assert contents(folder) == before


def test_a_second_run_does_nothing(archives, tmp_path, monkeypatch):
    folder, source = archives
    first = fetch_corpus(source, tmp_path / "out", origin=str(folder))
    before = contents(tmp_path / "out")
    shutil.rmtree(folder)
    monkeypatch.setattr(fetch, "write_manifest", None)
    for parts in ((), ("test-clean",)):
        again = fetch_corpus(source, tmp_path / "out", parts=parts)
        assert again == replace(first, is_new=False)
    assert contents(tmp_path / "out") == before


def test_parts_that_are_added_join_the_manifest(archives, tmp_path):
    folder, source = archives
    fetch_corpus(source, tmp_path / "out", origin=str(folder), parts=("test-clean",))
    unpacked = (tmp_path / "out" / "test-clean").stat().st_mtime_ns
    report = fetch_corpus(source, tmp_path / "out", origin=str(folder), parts=("dev-clean",))
    assert (report.rows, tuple(report.roots)) == (8, ("dev-clean", "test-clean"))
    assert (tmp_path / "out" / "test-clean").stat().st_mtime_ns == unpacked


@pytest.mark.parametrize("keep", [False, True])
def test_a_mirror_is_read_where_it_was_cut_off(archives, served, tmp_path, keep):
    folder, source = archives
    served.files = {path.name: path.read_bytes() for path in folder.iterdir()}
    served.cut_after = [1_000]
    lines = []
    fetch_corpus(source, tmp_path / "out", origin=f"{served.url}/", keep_archives=keep, tell=lines.append)
    assert served.asked == [("/dev-clean.tar.gz", None), ("/dev-clean.tar.gz", "bytes=1000-")]
    assert len(rows_of(tmp_path / "out" / "manifest.jsonl")) == 4
    kept = tmp_path / "out" / "archives" / "dev-clean.tar.gz"
    assert kept.is_file() == keep == kept.parent.exists()
    assert lines[0].endswith("MB; LibriSpeech, CC BY 4.0, terms at https://www.openslr.org/12")
    assert "MB, continuing after 0.0 MB; " in lines[1]


@pytest.mark.parametrize("when", ["before the manifest", "after the manifest"])
def test_a_run_that_is_killed_at_its_end_goes_on_without_the_network(archives, served, tmp_path, monkeypatch, when):
    folder, source = archives
    served.files = {path.name: path.read_bytes() for path in folder.iterdir()}
    out = tmp_path / "out"

    def cut(*arguments):
        if when == "after the manifest":
            fetch_manifest.write_manifest(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fetch, "write_manifest", cut)
        with pytest.raises(KeyboardInterrupt):
            fetch_corpus(source, out, origin=served.url)
    assert (out / "manifest.jsonl").exists() == (when == "after the manifest")
    report = fetch_corpus(source, out, origin=served.url)
    assert (report.rows, report.is_new, len(served.asked)) == (4, True, 1)
    assert not (out / "archives").exists()


def test_a_run_that_is_killed_while_it_unpacks_has_the_archive_still(archives, served, tmp_path, monkeypatch):
    folder, source = archives
    served.files = {path.name: path.read_bytes() for path in folder.iterdir()}
    half = tmp_path / "out" / "dev-clean.partial"
    shutil.rmtree(public_corpora.librispeech(half) / "dev-clean" / "84")
    (half / "archive.json").write_text("{}")

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(unpack, "extract", cut)
        with pytest.raises(KeyboardInterrupt):
            fetch_corpus(source, tmp_path / "out", origin=served.url)
    assert fetch_corpus(source, tmp_path / "out", origin=served.url).rows == 4
    assert len(served.asked) == 1
    assert not (tmp_path / "out" / "dev-clean.partial").exists()


def test_a_wrong_checksum_stops_it(archives, tmp_path):
    folder, source = archives
    with (folder / "dev-clean.tar.gz").open("ab") as file:
        file.write(b"more")
    with pytest.raises(FetchError, match=r"^dev-clean\.tar\.gz: wrong checksum, md5 \w+ where \w+ is published$"):
        fetch_corpus(source, tmp_path / "out", origin=str(folder))
    assert not (tmp_path / "out").exists()
    assert (folder / "dev-clean.tar.gz").exists(), "it is the user's"


def test_without_a_published_checksum_the_computed_one_is_recorded(tmp_path):
    root = public_corpora.esc50(tmp_path / "made")
    archive = public_corpora.pack_zip(tmp_path / "ESC-50-master.zip", root)
    lines = []
    report = fetch_corpus(find_source("esc-50"), tmp_path / "out", origin=str(tmp_path), tell=lines.append)
    assert (report.rows, report.licence) == (3, "CC BY 3.0, CC BY-NC 3.0")
    assert rows_of(tmp_path / "out" / "manifest.jsonl")[0]["audio"].startswith("ESC-50/audio/")
    assert report.archives[0]["is_published"] is False
    assert len(report.archives[0]["sha256"]) == 64
    assert any("ESC-50-master.zip: no checksum is published" in line for line in lines)
    assert archive.exists()


@pytest.mark.parametrize("how", ["the file", "its folder", "unpacked"])
def test_common_voice_is_taken_from_what_was_downloaded_by_hand(tmp_path, how):
    root = public_corpora.common_voice(tmp_path / "made")
    (tmp_path / "here").mkdir()
    packed = public_corpora.pack_tar(tmp_path / "here" / "cv-corpus-17.0-2024-03-15-en.tar.gz", tmp_path / "made")
    origin = {"the file": packed, "its folder": packed.parent, "unpacked": root}[how]
    source = find_source("common-voice")
    report = fetch_corpus(source, tmp_path / "out", origin=str(origin))
    assert (tuple(report.roots), report.rows) == (("train", "dev", "test"), 3)
    assert len(report.archives) == (how != "unpacked")
    if how == "its folder":
        shutil.copy(packed, packed.parent / "cv-corpus-17.0-2024-03-15-cy.tar.gz")
        with pytest.raises(ParameterError, match="holds 2 archives"):
            fetch_corpus(source, tmp_path / "other", origin=str(origin))


def test_what_cannot_be_had_is_said(archives, tmp_path):
    folder, source = archives
    out = tmp_path / "out"
    with pytest.raises(ParameterError, match=r"common-voice can be downloaded only after accepting its terms: down"):
        fetch_corpus(find_source("common-voice"), out)
    with pytest.raises(ParameterError, match=r"holds neither dev-other\.tar\.gz nor an unpacked copy of librispeech"):
        fetch_corpus(source, out, parts=("dev-other",), origin=str(folder))
    with pytest.raises(ParameterError, match="no such folder or archive"):
        fetch_corpus(source, out, origin=str(tmp_path / "nowhere"))
    with pytest.raises(UnknownNameError, match="did you mean 'dev-clean'"):
        fetch_corpus(source, out, parts=("devclean",))
    with pytest.raises(ParameterError, match="named twice"):
        fetch_corpus(source, out, parts=("dev-clean", "dev-clean"))
    assert not out.exists()


def test_a_folder_of_something_else_is_left_alone(archives, tmp_path):
    folder, source = archives
    out = tmp_path / "out"
    out.mkdir()
    (out / "manifest.jsonl").write_text("{}\n")
    with pytest.raises(OutputError, match=r"holds manifest\.jsonl but no fetch\.json: it is of something else"):
        fetch_corpus(source, out, origin=str(folder))
    (out / "fetch.json").write_text("[]")
    with pytest.raises(OutputError, match="not a record of `corpus fetch`"):
        fetch_corpus(source, out, origin=str(folder))
    (out / "fetch.json").unlink()
    (out / "manifest.jsonl").unlink()
    fetch_corpus(source, out, origin=str(folder))
    with pytest.raises(OutputError, match="holds librispeech; name another folder for musan"):
        fetch_corpus(find_source("musan"), out)


def test_recordings_that_cannot_be_read_are_put_aside(tmp_path):
    root = public_corpora.librispeech(tmp_path / "from")
    (root / "dev-clean" / "84" / "121123" / "84-121123-0000.flac").unlink()
    (root / "dev-clean" / "84" / "121123" / "84-121123-0001.flac").write_bytes(b"words")
    result = megaasr("corpus", "fetch", "librispeech", tmp_path / "out", "--from", root)
    assert result.returncode == 1
    assert result.stdout.startswith(f"{tmp_path / 'out' / 'manifest.jsonl'}: 2 speech recordings, 0.00 h (dev-clean)")
    assert "2 recordings could not be read and are left out" in result.stderr
    errors = [row["error"] for row in rows_of(tmp_path / "out" / "unreadable.jsonl")]
    assert ["no such file" in errors[0], "cannot be read as audio" in errors[1]] == [True, True]
    for path in root.rglob("*.flac"):
        path.unlink()
    with pytest.raises(ManifestError, match=r"librispeech: no recording of 4 can be read; .*no such file"):
        fetch_corpus(find_source("librispeech"), tmp_path / "none", origin=str(root))
    assert not (tmp_path / "none" / "manifest.jsonl").exists()


def test_plan_takes_what_was_fetched(only_tones, tmp_path):
    public_corpora.librispeech(tmp_path / "speech")
    public_corpora.musan(tmp_path / "noise")
    speech, noise = tmp_path / "a", tmp_path / "b"
    fetch_corpus(find_source("librispeech"), speech, origin=str(tmp_path / "speech"))
    fetch_corpus(find_source("musan"), noise, origin=str(tmp_path / "noise"))
    assert set(SoundBank.open(noise / "manifest.jsonl").categories) == {"noise", "music", "speech"}
    request = PlanRequest(
        speech=speech / "manifest.jsonl",
        scenarios=open_scenarios("crowd,hissy", only_tones),
        count=8,
        seed=1,
        banks={"noise": noise / "manifest.jsonl"},
        shard_size=8,
        plugins=(TONES,),
    )
    report = plan_corpus(request, tmp_path / "plan", only_tones, Serial.create())
    assert (report.settings.utterances, report.settings.unreadable) == (4, 0)
    rows = rows_of(tmp_path / "plan" / "recipes-00000.jsonl")
    assert {row["recipe"]["utterance"] for row in rows} >= {"librispeech-84-121123-0000"}


def test_the_command_line(tmp_path, served):
    assert "did you mean 'librispeech'" in refused("corpus", "fetch", "librispech", tmp_path / "out")
    assert "download it yourself" in refused("corpus", "fetch", "common-voice", tmp_path / "out")
    line = refused("corpus", "fetch", "musan", tmp_path / "out", "--from", served.url, no_proxy="127.0.0.1")
    assert f"{served.url}/musan.tar.gz: the server answers 404 Not Found" in line
    assert not (tmp_path / "out").exists()
    public_corpora.musan(tmp_path / "from")
    call = ("corpus", "fetch", "musan", tmp_path / "out", "--from", tmp_path / "from", "--parts", "noise,music")
    found = json.loads(megaasr(*call, "--json").stdout)
    assert (found["rows"], list(found["roots"]), found["is_new"]) == (6, ["noise", "music"], True)
    assert "already complete" in megaasr(*call).stdout


def test_without_a_network_one_line_says_so(tmp_path):
    nowhere = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "no_proxy": ""}
    line = refused("corpus", "fetch", "rirs", tmp_path / "out", **nowhere)
    assert line.startswith("megaasr: error: https://www.openslr.org/resources/28/rirs_noises.zip: no connection (")
    assert not (tmp_path / "out").exists()
