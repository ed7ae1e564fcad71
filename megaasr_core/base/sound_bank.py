"""Bank of recorded sounds (noise, impulse responses) from a folder or a manifest, with a bounded cache."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from .audio import Audio, Samples, resampled_length
from .errors import ManifestError, RecipeError, one_line, unknown_name
from .jsonl import read_rows

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
CACHE_BYTES = 256 * 2**20
"""Maximum size of decoded sounds in memory per bank: about 70 minutes at 16 kHz."""


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
        """
        source = Path(source)
        if source.is_dir():
            root = source
            files = (path.relative_to(source) for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
            paths = {path.as_posix(): path.parts[0] if len(path.parts) > 1 else "other" for path in files}
        else:
            paths, root = {}, source.parent
            for row in read_rows(source):
                if not isinstance(row.get("audio"), str):
                    raise ManifestError(f"{source}: every row needs 'audio', a path; this one has {sorted(row)}")
                paths[row["audio"]] = str(row.get("category", "other"))
        if not paths:
            raise ManifestError(
                f"{source}: holds no sounds ({', '.join(SUFFIXES)}); name a folder or manifest that does"
            )
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
            measured = _measure(self._checked(sound))
            length = resampled_length(*measured, sample_rate) if measured else len(self.load(sound, sample_rate))
            self._lengths[key] = length
        return self._lengths[key]

    def _decode(self, sound: SoundRef, sample_rate: int) -> Samples:
        import soundfile

        path, data = self.root / sound.path, self._checked(sound)
        try:
            raw, rate = soundfile.read(BytesIO(data), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise RecipeError(f"{path}: cannot be read as audio ({one_line(error)})") from error
        if len(raw) == 0:
            raise RecipeError(f"{path}: holds no samples")
        mono = np.ascontiguousarray(raw[:, 0] if raw.shape[1] == 1 else raw.mean(axis=1), dtype=np.float32)
        samples = Audio(mono, rate, str(path)).resampled(sample_rate).samples
        samples.flags.writeable = False
        return samples

    def _checked(self, sound: SoundRef) -> bytes:
        data = self._read(sound.path)
        if _digest(data) != sound.digest:
            path = self.root / sound.path
            raise RecipeError(f"{path}: not the sound that the recipe was planned with (its bytes differ)")
        return data

    def _read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise RecipeError(f"{self.root / path}: cannot be read ({error.strerror}); was the bank moved?") from error


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def _measure(data: bytes) -> tuple[int, int] | None:
    """Number of samples and rate from the header; None if the last sample cannot be read, so decoding is needed."""
    import soundfile

    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            file.seek(file.frames - 1)
            return (file.frames, file.samplerate) if len(file.read(1)) == 1 else None
    except soundfile.LibsndfileError:
        return None
