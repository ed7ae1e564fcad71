"""Helpers of the recipe's tests: generated clips, manifest rows and the content of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from megaasr_core.base.audio import SAMPLE_RATE_HZ
from recipes.tiny import dataset_files

IEEE = (
    "The birch canoe slid on the smooth planks.",
    "Rice is often served in round bowls",
    "and then the salt breeze came across from the sea, he said",
    "The box is held by a bright red snapper.",
    "When you hear the bell, come quickly.",
)


def voiced(seconds: float, seed: int, level: float = 0.02) -> np.ndarray:
    """Bursts of noise between pauses, with the level changes of speech; shape (seconds * 16000,)."""
    rng = np.random.default_rng(seed)
    samples = rng.standard_normal(round(seconds * SAMPLE_RATE_HZ)) * level
    samples *= np.sin(np.arange(len(samples)) / SAMPLE_RATE_HZ * 2 * np.pi) > -0.5
    return samples.astype(np.float32)


def put(folder: Path, name: str, seconds: float, seed: int, **fields: object) -> dict[str, object]:
    dataset_files.write_clip(folder / name, voiced(seconds, seed))
    row = {"audio": name, "duration_s": seconds, "source": "made", "licence": "CC0 1.0", "split": "train"}
    return row | fields


def speech(folder: Path, seconds: list[float], **fields: object) -> list[dataset_files.Row]:
    """Write clips of constant samples that identify the clip, and their manifest; return its rows."""
    rows = []
    for number, length in enumerate(seconds):
        name = f"{number}.flac"
        dataset_files.write_clip(folder / name, np.full(int(length * SAMPLE_RATE_HZ), (number + 1) / 100, np.float32))
        row = {"audio": name, "text": f"text {number}", "duration_s": length, "speaker": f"s{number}"}
        rows.append({**row, "source": "made", "licence": "CC0 1.0", "split": "train", **fields})
    dataset_files.write_manifest(folder / dataset_files.MANIFEST, rows)
    return rows


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
