"""Helpers of the corpus tests: small generated corpora of speech and noise, and digests of a folder."""

import json
from hashlib import sha256

import numpy as np
import soundfile

RATES_HZ = (16_000, 8_000, 44_100, 16_000, 22_050, 16_000, 48_000)


def write_speech(folder, lengths=(4_000, 1_500, 9_000, 4_321, 30_000, 2_000, 8_000)):
    """Write clips at several sample rates and their manifest; return the path of the manifest."""
    rng = np.random.default_rng(3)
    folder.mkdir()
    rows = []
    for number, (length, rate) in enumerate(zip(lengths, RATES_HZ, strict=False)):
        soundfile.write(folder / f"{number}.flac", 0.1 * rng.standard_normal(length), rate)
        row = {"audio": f"{number}.flac", "text": f"words of {number}", "speaker": f"s{number % 2}", "age": 3}
        rows.append({**row, "language": "zh-CN"} if number == 2 else row)
    path = folder / "manifest.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_noise(folder):
    rng = np.random.default_rng(4)
    for category, rate in (("street", 16_000), ("rain", 44_100)):
        (folder / category).mkdir(parents=True)
        for number in range(2):
            soundfile.write(folder / category / f"{number}.wav", 0.1 * rng.standard_normal(9_000 + number), rate)
    return folder


def contents(folder):
    """The SHA-256 of every file below a folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
