import json

import numpy as np
import pytest
import soundfile

from megaasr_core.base.errors import ManifestError, RecipeError, UnknownNameError
from megaasr_core.base.sound_bank import SoundBank


@pytest.fixture
def folder(tmp_path):
    for path, rate in (
        ("top.wav", 16_000),
        ("rain/a.wav", 8_000),
        ("rain/deep/b.flac", 16_000),
        ("street/c.wav", 48_000),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / path, np.full((rate // 10, 2), [0.2, 0.4]), rate)
    (tmp_path / "notes.txt").write_text("no sound")
    return tmp_path


def test_a_folder_is_indexed_by_its_first_level(folder):
    bank = SoundBank.open(folder)
    assert bank.categories == {
        "other": ["top.wav"],
        "rain": ["rain/a.wav", "rain/deep/b.flac"],
        "street": ["street/c.wav"],
    }
    assert len(bank) == 4


def test_a_manifest_names_sounds_and_categories(folder):
    rows = [{"audio": "rain/a.wav", "category": "wet"}, {"audio": "top.wav"}]
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert SoundBank.open(folder / "m.jsonl").categories == {"wet": ["rain/a.wav"], "other": ["top.wav"]}


def test_a_manifest_row_without_audio_and_an_empty_folder_are_refused(folder, tmp_path_factory):
    (folder / "m.jsonl").write_text('{"path": "x"}\n')
    with pytest.raises(ManifestError, match="every row needs 'audio'"):
        SoundBank.open(folder / "m.jsonl")
    with pytest.raises(ManifestError, match="holds no sounds"):
        SoundBank.open(tmp_path_factory.mktemp("empty"))


def test_every_category_is_equally_likely(folder):
    bank = SoundBank.open(folder)
    rng = np.random.default_rng(0)
    picked = [bank.pick(rng).path for _ in range(3_000)]
    # Three categories: a third each, and the two sounds of rain share theirs. 5 sigma of a binomial is 0.043.
    assert picked.count("top.wav") / 3_000 == pytest.approx(1 / 3, abs=0.043)
    assert picked.count("rain/a.wav") / 3_000 == pytest.approx(1 / 6, abs=0.043)


def test_a_category_can_be_asked_for(folder):
    bank = SoundBank.open(folder)
    assert bank.pick(np.random.default_rng(0), "street").path == "street/c.wav"
    with pytest.raises(UnknownNameError, match="did you mean 'street'"):
        bank.pick(np.random.default_rng(0), "streat")


def test_sounds_come_mixed_to_mono_at_the_rate_asked_and_read_only(folder):
    bank = SoundBank.open(folder)
    samples = bank.load(bank.pick(np.random.default_rng(0), "street"), 16_000)
    assert samples.dtype == np.float32
    assert len(samples) == 1_600
    assert np.median(samples) == pytest.approx(0.3, abs=0.01)
    with pytest.raises(ValueError, match="read-only"):
        samples[0] = 1.0


def test_the_cache_is_bounded(folder):
    bank = SoundBank(folder, {"rain/a.wav": "r", "top.wav": "t", "street/c.wav": "s"}, cache_bytes=2 * 1_600 * 4)
    rng = np.random.default_rng(0)
    for category in ("r", "t", "s", "r"):
        bank.load(bank.pick(rng, category), 16_000)
    assert sum(kept.nbytes for kept in bank._cache.values()) <= 2 * 1_600 * 4
    sound = bank.pick(rng, "r")
    assert bank.load(sound, 16_000) is bank.load(sound, 16_000)


def test_a_file_that_is_no_sound_is_named(folder):
    (folder / "rain" / "a.wav").write_text("words")
    bank = SoundBank(folder, {"rain/a.wav": "rain"})
    with pytest.raises(RecipeError, match=r"rain/a\.wav: cannot be read as audio"):
        bank.load(bank.pick(np.random.default_rng(0)), 16_000)


@pytest.mark.parametrize("name", ["shard.tar#clip.wav\0", "\0", "n" * 5_000, "rain", "\ud800.wav"])
def test_a_name_that_is_no_file_is_one_line(folder, name):
    bank = SoundBank(folder, {name: "rain"})
    with pytest.raises(RecipeError, match=r"cannot be read .*; was the bank moved") as caught:
        bank.ref(name)
    assert "\n" not in str(caught.value)


def test_another_digest_is_refused_also_where_the_sound_is_in_the_cache(folder):
    bank = SoundBank.open(folder)
    right = bank.ref("top.wav")
    cached = bank.load(right, 16_000)
    wrong = right.model_copy(update={"digest": "0" * 16})
    for ask in (bank.load, bank.num_samples, bank.load):
        with pytest.raises(RecipeError, match=r"top\.wav: not the sound that the recipe was planned with"):
            ask(wrong, 16_000)
    assert bank.load(right, 16_000) is cached
