"""Room impulse responses and noises (Ko et al. 2017), https://www.openslr.org/28: 16 kHz WAV, real and simulated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from megaasr import hookimpl, read_text

from .base import Archive, Row, Source, first_below, split_of

REAL = "real_rirs_isotropic_noises"
SIMULATED = "simulated_rirs"
POINTS = "pointsource_noises"
NOISE = "_noise_"
"""Marks noise recordings by file name in the folder of measured responses."""
SIZES = ("smallroom", "mediumroom", "largeroom")
ARCHIVE_URL = "https://www.openslr.org/resources/28/rirs_noises.zip"
ARCHIVE_MD5 = "e6f48e257286e05de56413b4779d8ffb"  # https://www.openslr.org/resources/28/checksum.md5
RIR_PARTS = ("real", *SIZES)
NOISE_PARTS = ("isotropic", "pointsource")


class RoomResponses(Source):
    """Layout: ``RIRS_NOISES/real_rirs_isotropic_noises/*.wav`` and ``simulated_rirs/SIZE/ROOM/*.wav``.

    The category is the part, so that the measured responses are drawn as often as the 60,000 simulated ones.
    """

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder that contains the subfolder of the part."""
        below = REAL if part == "real" else f"{SIMULATED}/{part}"
        return first_below(folder, lambda path: (path / below).is_dir())

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """One row per file; train and dev have no room in common."""
        if part == "real":
            rooms = _listed(root / REAL / "rir_list")
            for path in sorted((root / REAL).glob("*.wav")):
                if NOISE not in path.name:
                    yield _response(path, root, part, rooms.get(path.name, _room(path.stem)), "measured")
        else:
            for path in sorted((root / SIMULATED / part).glob("*/*.wav")):
                yield _response(path, root, part, f"{part} {path.parent.name}", "simulated")


class RoomNoises(Source):
    """The noises of the same archive: isotropic noise from the measured rooms, and point-source noise."""

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder that contains the subfolder of the part."""
        below = REAL if part == "isotropic" else POINTS
        return first_below(folder, lambda path: (path / below).is_dir())

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """One row per file; its category is the part."""
        paths = (root / REAL).glob(f"*{NOISE}*.wav") if part == "isotropic" else (root / POINTS).glob("*.wav")
        for path in sorted(paths):
            yield {
                "audio": path.relative_to(root).as_posix(),
                "category": part,
                "recording": path.stem,
                "split": split_of(path.stem),
            }


def _response(path: Path, root: Path, part: str, room: str, provenance: str) -> Row:
    return {
        "audio": path.relative_to(root).as_posix(),
        "kind": "room",
        "space": room,
        "category": part,
        "provenance": provenance,
        "split": split_of(room),
    }


def _room(stem: str) -> str:
    """Data set and room of a response missing from the list, from names like RVB2014_type1_rir_largeroom1_far_angla."""
    first, _, rest = stem.partition("_rir_")
    return f"{first.partition('_')[0]} {rest.partition('_')[0]}".strip()


def _listed(path: Path) -> dict[str, str]:
    """Map from file name to room, from lines such as ``--rir-id 00001 --room-id ROOM RIRS_NOISES/.../NAME.wav``."""
    if not path.is_file():
        return {}
    rooms = {}
    for line in read_text(path).splitlines():
        words = line.split()
        if "--room-id" in words[:-2]:
            rooms[Path(words[-1]).name] = words[words.index("--room-id") + 1]
    return rooms


RIRS = RoomResponses(
    name="rirs",
    title="OpenSLR 28",
    kind="rir",
    licence="Apache-2.0",
    homepage="https://www.openslr.org/28",
    parts=RIR_PARTS,
    usual=RIR_PARTS,
    archives=(Archive(ARCHIVE_URL, RIR_PARTS, ARCHIVE_MD5),),
)
RIRS_NOISES = RoomNoises(
    name="rirs-noises",
    title="OpenSLR 28",
    kind="noise",
    licence="Apache-2.0",
    homepage="https://www.openslr.org/28",
    parts=NOISE_PARTS,
    usual=NOISE_PARTS,
    archives=(Archive(ARCHIVE_URL, NOISE_PARTS, ARCHIVE_MD5),),
)


@hookimpl
def register_corpus_sources(register):
    register(RIRS)
    register(RIRS_NOISES)
