import io
import tarfile

import numpy as np
import pytest

from megaasr import AudioError, AudioLimits, RecipeError, SoundBank, read_sample

from .made import RATE_HZ, TONE, patched, written

WAV = written(TONE, "WAV")
BAD = {
    "truncated.wav": (WAV[: len(WAV) // 2], r"truncated, \d+ of 32000 data bytes are there"),
    "one_hertz.wav": (written(TONE, "WAV", 1), "sample rate 1 Hz is outside"),
    "damaged.ogg": (patched(written(TONE, "OGG"), 4_000, b"\x00\xff\x00\xff"), "checksum of the page"),
    "loud.wav": (written(np.full(999, 1e38, np.float32), "WAV", subtype="FLOAT"), "is no sound"),
    "words.wav": (b"words " * 99, "cannot be read as audio"),
}


@pytest.fixture
def shard(tmp_path):
    stereo = written(np.stack([TONE, np.roll(TONE, 7)], axis=1), "WAV")
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        for name, data in {"stereo.wav": stereo, **{name: data for name, (data, _) in BAD.items()}}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return tmp_path / "shard.tar"


def test_a_member_is_mixed_as_a_file_is(shard):
    mixed = read_sample(shard.with_name("shard.tar#stereo.wav"))
    assert mixed.flags == ("mixed",)
    assert mixed.samples == pytest.approx((TONE + np.roll(TONE, 7)) / 2, abs=1e-4)
    right = read_sample(shard.with_name("shard.tar#stereo.wav"), AudioLimits(channel=1))
    assert right.samples == pytest.approx(np.roll(TONE, 7), abs=1e-4)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_member_is_refused_as_a_file_is(shard, name):
    with pytest.raises(AudioError, match=BAD[name][1]) as caught:
        read_sample(shard.with_name(f"shard.tar#{name}"))
    assert str(caught.value).startswith(f"{shard}#{name}: ")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_sound_of_a_bank_is_refused_as_a_file_is(tmp_path, name):
    (tmp_path / name).write_bytes(BAD[name][0])
    bank = SoundBank.open(tmp_path)
    with pytest.raises(RecipeError, match=BAD[name][1]):
        bank.load(bank.ref(name), RATE_HZ)


def test_a_sound_of_a_bank_without_a_length_is_read(tmp_path):
    flac = written(TONE, "FLAC")
    (tmp_path / "a.flac").write_bytes(patched(flac, 21, bytes([flac[21] & 0xF0, 0, 0, 0, 0])))
    bank = SoundBank.open(tmp_path)
    assert len(bank.load(bank.ref("a.flac"), RATE_HZ)) == bank.num_samples(bank.ref("a.flac"), RATE_HZ) == len(TONE)


def test_a_sound_of_a_bank_is_bounded_in_time_and_size(tmp_path, monkeypatch):
    (tmp_path / "long.wav").write_bytes(written(np.zeros(3601 * 8_000, np.int16), "WAV", 8_000))
    bank = SoundBank.open(tmp_path)
    with pytest.raises(RecipeError, match="3601 s is longer than the limit of 3600 s"):
        bank.load(bank.ref("long.wav"), RATE_HZ)
    monkeypatch.setattr("megaasr_core.base.sound_bank.MAX_BYTES", 1_000)
    with pytest.raises(RecipeError, match="bytes are more than 1000"):
        bank.load(bank.ref("long.wav"), RATE_HZ)
