"""Manifests of Kaldi, Lhotse and tables are read as they are, and their parts are heard."""

import gzip
import json

import numpy as np
import pytest

from megaasr import ManifestError, manifest_row, read_row_audio, tried_rows, write_audio
from megaasr_core.base.audio import Audio
from megaasr_plugins.evaluation.evaluate import read_items

RATE = 8_000


@pytest.fixture
def ramp(tmp_path):
    """One second whose sample n is n / 10,000, in data/a.wav."""
    (tmp_path / "data").mkdir()
    write_audio(tmp_path / "data" / "a.wav", Audio(np.arange(RATE, dtype=np.float32) / 10_000, RATE))
    return tmp_path / "data"


def heard(manifest):
    """Name, words, language, first sample and length of each row, or its fault."""
    found = []
    for item in read_items(manifest):
        if item.fault:
            found.append(item.fault)
        else:
            samples = read_row_audio(item.source).samples
            found.append(
                (item.source.id, item.reference, item.language, round(float(samples[0]) * 10_000), len(samples))
            )
    return found


def write(folder, **files):
    for name, text in files.items():
        (folder / name.replace("wav_scp", "wav.scp")).write_text(text)


@pytest.mark.parametrize("manifest", ["", "wav.scp"])
def test_a_kaldi_folder_with_segments(ramp, manifest):
    write(
        ramp,
        wav_scp="rec a.wav\n",
        segments="u1 rec 0.25 0.75\nu2 rec 0.5 -1\nu3 nowhere 0 1\nu4 rec 0.1\n",
        text="u1 the cat\nu2\tau lait\nu3 x\nu4 x\n",
        utt2lang="u2 fr\n",
        utt2spk="u1 ann\n",
    )
    rows = heard(ramp / manifest)
    assert rows[:2] == [("u1", "the cat", "en", 2_000, 4_000), ("u2", "au lait", "fr", 4_000, 4_000)]
    assert "segments, line 3: 'nowhere' is not in wav.scp" in rows[2]
    assert "segments, line 4: 'rec 0.1' is no segment; UTTERANCE RECORDING START END is expected" in rows[3]
    assert next(tried_rows(ramp))[1]["speaker"] == "ann"


def test_a_command_in_wav_scp_is_refused_by_name_and_never_run(ramp):
    command = f"touch {ramp / 'PWNED'}; cat a.wav |"
    write(ramp, wav_scp=f"u1 a.wav\nu2 {command}\nu3 {ramp / 'a.wav'}\n", text="u1 x\nu2 y\nu3 z\n")
    rows = heard(ramp)
    assert [rows[0][0], rows[2][0]] == ["u1", "u3"]
    assert "wav.scp, line 2: 'audio' is the command" in rows[1]
    assert "commands are never run: write its output to a file" in rows[1]
    assert not (ramp / "PWNED").exists()


def test_paths_of_kaldi_are_of_the_folder_else_of_the_working_folder(ramp, monkeypatch):
    monkeypatch.chdir(ramp.parent)
    (ramp / "kaldi").mkdir()
    write(ramp / "kaldi", wav_scp="u1 data/a.wav\nu2 gone.wav\n", text="u1 x\nu2 y\n")
    (first, second) = read_items(ramp / "kaldi")
    assert first.audio == ramp / "a.wav"
    assert second.audio == ramp / "kaldi" / "gone.wav"


def cut(**fields):
    recording = {
        "id": "rec",
        "sources": [{"type": "file", "channels": [0], "source": "a.wav"}],
        "sampling_rate": RATE,
        "num_samples": RATE,
        "duration": 1.0,
        "channel_ids": [0],
    }
    supervision = {
        "id": "s",
        "recording_id": "rec",
        "start": 0.0,
        "duration": 0.5,
        "text": "the cat",
        "language": "English",
    }
    whole = {"id": "c", "start": 0.25, "duration": 0.5, "channel": 0, "supervisions": [supervision], "type": "MonoCut"}
    return {**whole, "recording": recording, **fields}


def test_lhotse_cuts_are_heard_from_their_start(ramp):
    two = [{"id": f"s{n}", "start": 0.25 * n, "duration": 0.25, "text": f"t{n}"} for n in range(2)]
    stereo = cut()["recording"] | {"channel_ids": [0, 1]}
    remote = cut()["recording"] | {"sources": [{"type": "url", "channels": [0], "source": "http://x/a.wav"}]}
    cuts = [
        cut(),
        cut(supervisions=two),
        cut(recording=stereo, channel=1),
        cut(recording=remote),
        {**cut(recording=cut()["recording"] | {"transforms": [{"name": "Speed", "kwargs": {"factor": 1.1}}]})},
        {"id": "mixed", "start": 0, "duration": 1.0, "tracks": [], "type": "MixedCut"},
        cut(start=0.75),
    ]
    with gzip.open(ramp / "cuts.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps(one) + "\n" for one in cuts))
    rows = [row for _, row in tried_rows(ramp / "cuts.jsonl.gz")]
    assert rows[3]["channel"] == 1
    assert heard_of(ramp, rows[0]) == (2_000, 4_000)
    assert [heard_of(ramp, row) for row in rows[1:3]] == [(2_000, 2_000), (4_000, 2_000)]
    faults = [str(getattr(row, "fault", "")) for row in rows]
    assert "cuts.jsonl.gz, line 4: the sources of recording 'rec' are url; one of type file is read" in faults[4]
    assert "line 5: the transforms of recording 'rec' are not applied" in faults[5]
    assert "line 6: cut 'mixed' mixes several recordings" in faults[6]
    with pytest.raises(ManifestError, match=r"is 1 s long, and 0\.75 s to 1\.25 s is wanted"):
        heard_of(ramp, rows[7])


def heard_of(folder, row):
    samples = read_row_audio(manifest_row(row, folder, "row")).samples
    return round(float(samples[0]) * 10_000), len(samples)


def test_lhotse_supervisions_are_read_with_the_recordings_beside_them(ramp):
    (ramp / "recordings.jsonl").write_text(json.dumps(cut()["recording"]) + "\n")
    said = [{**cut()["supervisions"][0], "start": 0.5}, {"id": "t", "recording_id": "other", "start": 0, "duration": 1}]
    (ramp / "supervisions.jsonl").write_text("".join(json.dumps(one) + "\n" for one in said))
    first, second = heard(ramp / "supervisions.jsonl")
    assert first == ("s", "the cat", "en", 4_000, 4_000)
    assert "supervisions.jsonl, line 2: recording 'other' is not in the recordings beside it" in second


def test_what_lhotse_itself_writes_is_read(ramp):
    lhotse = pytest.importorskip("lhotse")
    recording = lhotse.Recording.from_file(ramp / "a.wav", recording_id="rec")
    said = lhotse.SupervisionSegment("s", "rec", 0.0, 0.5, text="the cat", language="fr")
    whole = lhotse.MonoCut("c", start=0.0, duration=1.0, channel=0, supervisions=[said], recording=recording)
    lhotse.CutSet.from_cuts([whole.truncate(offset=0.25, duration=0.5)]).to_file(ramp / "cuts.jsonl.gz")
    ((_, text, language, start, length),) = heard(ramp / "cuts.jsonl.gz")
    assert (text, language, start, length) == ("the cat", "fr", 2_000, 4_000)


def test_common_voice_and_comma_separated_tables(ramp):
    names = "client_id\tpath\tsentence\tup_votes\tlocale"
    (ramp / "test.tsv").write_text(f'{names}\nc\ta.wav\tSie sagte "ja\t2\tde\nd\ta.wav\tkurz\n', encoding="utf-8-sig")
    first, second = heard(ramp / "test.tsv")
    assert first == ("a.wav", 'Sie sagte "ja', "de", 0, RATE)
    assert "test.tsv, line 3: has 3 cells where 5 are named" in second
    (ramp / "m.csv").write_text('ID,duration,wav,text,start\nx,0.5,a.wav,"the cat, the dog",0.25\ny,,a.wav,x,\n')
    assert heard(ramp / "m.csv") == [
        ("a.wav[0.25:0.75]", "the cat, the dog", "en", 2_000, 4_000),
        ("a.wav", "x", "en", 0, RATE),
    ]


def test_a_table_without_names_or_of_other_bytes_is_one_line(ramp):
    (ramp / "m.csv").write_bytes(b"audio,text\n\xff,x\n")
    with pytest.raises(ManifestError, match=r"m\.csv, line 2: is not UTF-8"):
        read_items(ramp / "m.csv")
    (ramp / "m.csv").write_text("audio,audio\na,b\n")
    with pytest.raises(ManifestError, match="two columns have one name"):
        read_items(ramp / "m.csv")
    (ramp / "m.csv").write_text('audio,text\na.wav,"open\n')
    with pytest.raises(ManifestError, match="is no table"):
        read_items(ramp / "m.csv")
