"""Bank of recorded sounds (noise, impulse responses) from a folder or a manifest, with a bounded cache."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from .audio import Samples, resampled_length
from .audio_files import AudioLimits, decode_audio, recordings
from .errors import AudioError, ManifestError, RecipeError, unknown_name
from .jsonl import read_rows

CACHE_BYTES = 256 * 2**20
"""Maximum size of decoded sounds in memory per bank: about 70 minutes at 16 kHz."""
LIMITS = AudioLimits(min_duration_s=0.0, max_duration_s=3600.0, convert=True)
"""Of a sound; an impulse response may have a few samples."""
MAX_BYTES = 2**30
"""Of a file; its bytes are in memory while it is decoded."""


class SoundRef(BaseModel):
    """Reference of a recipe to a recorded sound: its path in the bank and the digest of its bytes.

    Args:
        path: path relative to the bank.
        digest: BLAKE2b-64 of the file, hexadecimal, so that rendering detects a changed file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    digest: str = Field(pattern=r"^[0-9a-f]{16}$")


class SoundBank:
    """An index of sounds by category.

    Args:
        root: folder that the paths are relative to.
        paths: path to category, in any order.
        cache_bytes: maximum size of the decoded sounds in memory.

    The categories of a folder are its first-level subfolders (files at the top level have category ``other``).
    """

    def __init__(self, root: Path, paths: dict[str, str], cache_bytes: int = CACHE_BYTES) -> None:
        self.root = root
        self.categories: dict[str, list[str]] = {}
        for path in sorted(paths):
            self.categories.setdefault(paths[path], []).append(path)
        self._sounds: dict[str, SoundRef] = {}
        self._lengths: dict[tuple[SoundRef, int], int] = {}
        self._cache: OrderedDict[tuple[SoundRef, int], Samples] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(len(paths) for paths in self.categories.values())

    def __getstate__(self) -> dict[str, object]:
        """The state for pickling, without the decoded sounds."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_cache", "_lock")}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._cache = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, source: str | Path, cache_bytes: int = CACHE_BYTES) -> SoundBank:
        """Index a folder, or a JSON-lines manifest whose rows carry ``audio`` and optionally ``category``.

        Raises:
            ManifestError: there are no sounds, or a row has no ``audio``.
            AudioError: a folder cannot be read.
        """
        if source == "":
            raise ManifestError("an empty path is given where a bank of sounds is expected; name a folder or manifest")
        source = Path(source)
        if source.is_dir():
            root = source
            files = [path.relative_to(source) for path in recordings().below(source)]
            paths = {path.as_posix(): path.parts[0] if len(path.parts) > 1 else "other" for path in files}
        else:
            paths, root = {}, source.parent
            for row in read_rows(source):
                if not isinstance(row.get("audio"), str):
                    raise ManifestError(f"{source}: every row needs 'audio', a path; this one has {sorted(row)}")
                paths[row["audio"]] = str(row.get("category", "other"))
        if not paths:
            raise ManifestError(f"{source}: holds no sounds; name a folder or manifest that does")
        return cls(root, paths, cache_bytes)

    def pick(self, rng: np.random.Generator, category: str | None = None) -> SoundRef:
        """Draw a sound: first a category (uniformly), unless given, then a sound of it (uniformly).

        Raises:
            UnknownNameError: the category does not exist.
        """
        if category is None:
            names = sorted(self.categories)
            category = names[int(rng.integers(len(names)))]
        elif category not in self.categories:
            raise unknown_name("sound category", category, self.categories)
        paths = self.categories[category]
        return self.ref(paths[int(rng.integers(len(paths)))])

    def ref(self, path: str) -> SoundRef:
        """The reference of the sound at a path, with the digest of its bytes; RecipeError if it cannot be read."""
        sound = self._sounds.get(path)
        if sound is None:
            sound = self._sounds[path] = SoundRef(path=path, digest=_digest(self._read(path)))
        return sound

    def learn(self, path: str, digest: str, sample_rate: int, num_samples: int) -> None:
        """Store the digest and length of a sound from another copy of this bank, so that it is not read again."""
        sound = self._sounds[path] = SoundRef(path=path, digest=digest)
        self._lengths[sound, sample_rate] = num_samples

    def load(self, sound: SoundRef, sample_rate: int) -> Samples:
        """The samples of a sound at `sample_rate`, mixed to mono; read-only.

        Raises:
            RecipeError: the file is missing, cannot be read, or has changed since the recipe was planned.
        """
        key = (sound, sample_rate)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        samples = self._decode(sound, sample_rate)
        with self._lock:
            self._cache[key] = samples
            while sum(kept.nbytes for kept in self._cache.values()) > self._cache_bytes and len(self._cache) > 1:
                self._cache.popitem(last=False)
        return samples

    def num_samples(self, sound: SoundRef, sample_rate: int) -> int:
        """Number of samples that `load` returns, and its errors; a corpus is planned without decoding its sounds."""
        key = (sound, sample_rate)
        if key not in self._lengths:
            with self._opened(sound) as stream:
                measured = recordings().measure(stream, str(self.root / sound.path), LIMITS)
            self._lengths[key] = resampled_length(*measured, sample_rate)
        return self._lengths[key]

    def _decode(self, sound: SoundRef, sample_rate: int) -> Samples:
        with self._opened(sound) as stream:
            audio = decode_audio(stream, str(self.root / sound.path), LIMITS)
        samples = audio.resampled(sample_rate).samples
        samples.flags.writeable = False
        return samples

    @contextmanager
    def _opened(self, sound: SoundRef) -> Iterator[BytesIO]:
        try:
            yield BytesIO(self._checked(sound))
        except AudioError as error:
            raise RecipeError(str(error)) from error

    def _checked(self, sound: SoundRef) -> bytes:
        data = self._read(sound.path)
        if _digest(data) != sound.digest:
            path = self.root / sound.path
            raise RecipeError(f"{path}: not the sound that the recipe was planned with (its bytes differ)")
        return data

    def _read(self, path: str) -> bytes:
        try:
            if (size := (self.root / path).stat().st_size) > MAX_BYTES:
                raise RecipeError(f"{self.root / path}: {size} bytes are more than {MAX_BYTES}; split it")
            return (self.root / path).read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            reason = getattr(error, "strerror", None) or str(error)
            raise RecipeError(f"{self.root / path}: cannot be read ({reason}); was the bank moved?") from error


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()
