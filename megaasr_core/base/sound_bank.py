"""A bank of recorded sounds (noise, impulse responses): a folder or a manifest, indexed once, with a bounded cache."""

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
from .jsonl import read_jsonl

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
CACHE_BYTES = 256 * 2**20
"""Decoded sounds kept in memory per bank: about 70 minutes at 16 kHz."""


class SoundRef(BaseModel):
    """One recorded sound as a recipe names it: where in the bank, and what its bytes were.

    Args:
        path: relative to the bank.
        digest: BLAKE2b-64 of the file, hex, so that a replay notices a changed file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    digest: str = Field(pattern=r"^[0-9a-f]{16}$")


class SoundBank:
    """Sounds by category.

    Args:
        root: folder that the paths are relative to.
        paths: path to category, in any order.

    A folder's categories are its first-level sub-folders (files at the top are of category ``other``).
    """

    def __init__(self, root: Path, paths: dict[str, str], cache_bytes: int = CACHE_BYTES) -> None:
        self.root = root
        self.categories: dict[str, list[str]] = {}
        for path in sorted(paths):
            self.categories.setdefault(paths[path], []).append(path)
        self._sounds: dict[str, SoundRef] = {}
        self._lengths: dict[tuple[SoundRef, int], int] = {}
        self._cache: OrderedDict[tuple[str, int], Samples] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(len(paths) for paths in self.categories.values())

    def __getstate__(self) -> dict[str, object]:
        """Travel to a worker without the decoded sounds."""
        return {
            "root": self.root,
            "categories": self.categories,
            "_sounds": self._sounds,
            "_lengths": self._lengths,
            "_cache_bytes": self._cache_bytes,
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._cache = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def open(cls, source: str | Path, cache_bytes: int = CACHE_BYTES) -> SoundBank:
        """Index a folder, or a JSON-lines manifest whose rows carry ``audio`` and optionally ``category``.

        Args:
            cache_bytes: bound on the decoded sounds kept in memory.

        Raises:
            ManifestError: nothing there, or a row without ``audio``.
        """
        source = Path(source)
        if source.is_dir():
            found = (path.relative_to(source) for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
            paths = {path.as_posix(): path.parts[0] if len(path.parts) > 1 else "other" for path in found}
            root = source
        else:
            paths, root = {}, source.parent
            for row in read_jsonl(source):
                if not isinstance(row.get("audio"), str):
                    raise ManifestError(f"{source}: every row needs 'audio', a path; this one has {sorted(row)}")
                paths[row["audio"]] = str(row.get("category", "other"))
        if not paths:
            raise ManifestError(
                f"{source}: holds no sounds ({', '.join(SUFFIXES)}); name a folder or manifest that does"
            )
        return cls(root, paths, cache_bytes)

    def pick(self, rng: np.random.Generator, category: str | None = None) -> SoundRef:
        """Choose a sound: a category first (each equally likely), then a sound of it.

        Raises:
            UnknownNameError: no such category.
        """
        if category is None:
            names = sorted(self.categories)
            category = names[int(rng.integers(len(names)))]
        elif category not in self.categories:
            raise unknown_name("sound category", category, self.categories)
        paths = self.categories[category]
        return self.ref(paths[int(rng.integers(len(paths)))])

    def ref(self, path: str) -> SoundRef:
        """The sound at a path, with the digest of its bytes; RecipeError when it cannot be read."""
        sound = self._sounds.get(path)
        if sound is None:
            sound = self._sounds[path] = SoundRef(path=path, digest=_digest(self._read(path)))
        return sound

    def learn(self, path: str, digest: str, sample_rate: int, num_samples: int) -> None:
        """Take over what another copy of this bank has found out about a sound, so that it need not be read again."""
        sound = self._sounds[path] = SoundRef(path=path, digest=digest)
        self._lengths[sound, sample_rate] = num_samples

    def load(self, sound: SoundRef, sample_rate: int) -> Samples:
        """Decode a sound at `sample_rate`, mixed to mono; the caller must not write into it.

        Raises:
            RecipeError: it is missing, cannot be read, or is no longer the sound that the recipe names.
        """
        key = (sound.path, sample_rate)
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
        """Length of a sound at `sample_rate`, as `load` gives it.

        It is read from the header, and kept: planning a corpus asks for every sound again and again and needs none.

        Raises:
            RecipeError: as `load`.
        """
        key = (sound, sample_rate)
        if key not in self._lengths:
            measured = _measure(self._checked(sound))
            self._lengths[key] = (
                resampled_length(*measured, sample_rate) if measured else len(self.load(sound, sample_rate))
            )
        return self._lengths[key]

    def _decode(self, sound: SoundRef, sample_rate: int) -> Samples:
        import soundfile

        data = self._checked(sound)
        try:
            raw, rate = soundfile.read(BytesIO(data), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise RecipeError(f"{self.root / sound.path}: cannot be read as audio ({one_line(error)})") from error
        if len(raw) == 0:
            raise RecipeError(f"{self.root / sound.path}: holds no samples")
        mono = np.ascontiguousarray(raw[:, 0] if raw.shape[1] == 1 else raw.mean(axis=1), dtype=np.float32)
        samples = Audio(mono, rate, str(self.root / sound.path)).resampled(sample_rate).samples
        samples.flags.writeable = False
        return samples

    def _checked(self, sound: SoundRef) -> bytes:
        data = self._read(sound.path)
        if _digest(data) != sound.digest:
            raise RecipeError(
                f"{self.root / sound.path}: not the sound that the recipe was planned with (its bytes differ)"
            )
        return data

    def _read(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise RecipeError(f"{self.root / path}: cannot be read ({error.strerror}); was the bank moved?") from error


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()


def _measure(data: bytes) -> tuple[int, int] | None:
    """Samples and rate by the header; None where the last of them is not there, so that only decoding can tell."""
    import soundfile

    try:
        with soundfile.SoundFile(BytesIO(data)) as file:
            file.seek(file.frames - 1)
            return (file.frames, file.samplerate) if len(file.read(1)) == 1 else None
    except soundfile.LibsndfileError:
        return None
