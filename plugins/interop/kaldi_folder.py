"""Reader `kaldi`: a Kaldi data folder (wav.scp, text, segments, utt2spk, utt2lang) as a manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from megaasr import BrokenRow, LocatedRow, ManifestError, Reader, hookimpl, manifest_lines

WAV = "wav.scp"
FIELDS = {"text": "text", "utt2lang": "language", "utt2spk": "speaker"}
"""File of the folder -> field of the rows."""


class Kaldi(Reader):
    """Read a Kaldi data folder, or its wav.scp; commands in wav.scp are refused and never run."""

    name: ClassVar[str] = "kaldi"

    def takes_manifest(self, path: Path) -> bool:
        """Whether it is a folder with wav.scp, or a wav.scp."""
        return os.path.isfile(_folder(path) / WAV)  # noqa: PTH113  # Path.is_file raises for a name that is too long

    def rows(self, path: Path) -> Iterator[LocatedRow]:
        """A row a segment, or a recording where there is no ``segments``; in the order of that file.

        A relative path is looked for in the folder, then in the working folder, as Kaldi's scripts do.
        """
        folder = _folder(path)
        known = {
            field: {name: value for _, name, value in _pairs(folder / file)}
            for file, field in FIELDS.items()
            if (folder / file).is_file()
        }
        if (folder / "segments").is_file():
            recordings = {name: value for _, name, value in _pairs(folder / WAV)}
            entries = [
                (where, name, _segment(where, value, recordings)) for where, name, value in _pairs(folder / "segments")
            ]
        else:
            entries = [(where, name, {"audio": value}) for where, name, value in _pairs(folder / WAV)]
        for where, name, entry in entries:
            if isinstance(entry, BrokenRow):
                yield where, entry
                continue
            audio = _found(folder, str(entry["audio"]))
            own = {field: values[name] for field, values in known.items() if name in values}
            yield where, {"id": name, **entry, "audio": audio, **own}


def _folder(path: Path) -> Path:
    return path.parent if path.name == WAV else path


def _pairs(path: Path) -> Iterator[tuple[str, str, str]]:
    """Where each line stands, its first word, and the rest."""
    seen: set[str] = set()
    for where, line in manifest_lines(path):
        try:
            name, _, value = line.decode("utf-8-sig").strip().replace("\t", " ", 1).partition(" ")
        except UnicodeDecodeError as error:
            raise ManifestError(f"{where}: is not UTF-8 ({error.reason}); mend the line") from error
        if name in seen:
            raise ManifestError(f"{where}: {name!r} occurs twice; mend or remove the line")
        seen.add(name)
        yield where, name, value.strip()


def _segment(where: str, value: str, recordings: dict[str, str]) -> dict[str, Any]:
    """Recording and times of a line of ``segments``; an end of -1 is that of the recording."""
    parts = value.split()
    if len(parts) != 3 or parts[0] not in recordings:
        known = f"{parts[0]!r} is not in {WAV}" if parts and parts[0] not in recordings else f"{value!r} is no segment"
        return BrokenRow(ManifestError(f"{where}: {known}; UTTERANCE RECORDING START END is expected"))
    recording, start, end = parts
    return {"audio": recordings[recording], "start": start, **({} if end in ("-1", "-1.0") else {"end": end})}


def _found(folder: Path, audio: str) -> str:
    """A path that is relative to the folder, or absolute."""
    if audio.endswith("|") or "\0" in audio or os.path.lexists(folder / audio) or not os.path.lexists(audio):
        return audio
    return os.path.abspath(audio)  # noqa: PTH100


@hookimpl
def register_readers(register):
    register(Kaldi)
