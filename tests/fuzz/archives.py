"""Kind `archive`: damaged and hostile archives, unpacked as `corpus fetch` does."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import ClassVar

from megaasr_plugins.corpus.fetching.unpack import unpack

from .cases import Case, Kind
from .mutators import mutated
from .oracle import Judge
from .seeds import recordings

COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": lambda data: gzip.compress(data, compresslevel=1, mtime=0),
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}
NAMES = ("corpus/clips/a.wav", "corpus/clips/b.wav", "corpus/text.tsv")
HOSTILE_NAMES = (
    *(
        "../outside",
        "/tmp/fuzz-outside",
        "corpus/../../outside",
        "a/" * 300 + "a",
        "a" * 300,
        "C:\\outside",
        "..\\outside",
    ),
    *(
        "",
        ".",
        "corpus",
        "corpus/clips",
        "\ud800",
        "a\0b",
        "-rf",
        "corpus/clips/a.wav/x",
        "~/outside",
        "./././x",
        "con\nnew",
    ),
)
LINK_TARGETS = (
    "..",
    "../..",
    "/etc",
    "corpus/clips/a.wav",
    ".",
    "x",
    "../" * 50 + "tmp",
    "a/" * 2000,
    "/proc/self/environ",
)
HOSTILE = ("name", "symlink", "hardlink", "chain", "device", "bomb", "many", "mode", "same")
LETTERS = "abcdefghijklmnop"
BOMB_BYTES = 128 * 2**20
"""Of zeros, which a compressed archive holds in a hundredth."""
MOST_BYTES = 100 * 2**20
"""Of an archive of a few kilobytes, unpacked."""


class Archives(Kind):
    """A corpus in tar or zip: its bytes are damaged, or a member is hostile."""

    name: ClassVar[str] = "archive"

    def make(self, rng: Random, folder: Path) -> Case:
        """An archive in a folder of its own, so that what is written beside it is seen."""
        suffix = rng.choice((*COMPRESSED, ".zip", ".tar.gz"))
        is_hostile = rng.random() < 0.4
        kinds = [kind for kind in HOSTILE if kind != "bomb" or suffix == ".tar.gz"]
        hostile = rng.choice(kinds) if is_hostile else ""
        data, note = _zip(rng, is_hostile=is_hostile) if suffix == ".zip" else _tar(rng, hostile)
        data = COMPRESSED.get(suffix, bytes)(data)
        if not is_hostile or rng.random() < 0.1:
            data, more = mutated(data, rng)
            note = f"{note}; {more}"
        archive = folder / f"corpus{suffix}"
        archive.write_bytes(data)
        command = f"megaasr corpus fetch common-voice out --from {archive.name}"
        return Case(f"{suffix}: {note}", lambda judge: _judge(judge, archive, folder / "out"), command, ("out",))


def _judge(judge: Judge, archive: Path, out: Path) -> None:
    out.mkdir()
    target = out / "unpacked"
    judge.call("unpack", lambda: unpack(archive, target, lambda _: None), lambda _: _check_folder(target))
    left = [name for name in os.listdir(out) if name != "unpacked"]  # noqa: PTH208
    judge.call("behind it", lambda: left, lambda found: f"left {found}" if found else None)
    outside = Path("/tmp/fuzz-outside")
    if outside.exists():
        outside.unlink()
        judge.call("outside", lambda: outside, lambda found: f"{found} was written")


def _check_folder(folder: Path) -> str | None:
    """Only plain files and folders, none of them elsewhere."""
    total = 0
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                return f"{path.relative_to(folder)} is a link or a device"
            if path.is_file() and path.stat().st_nlink > 1:
                return f"{path.relative_to(folder)} is a hard link"
            total += path.stat().st_size if path.is_file() else 0
    return f"{total / 2**20:.0f} MiB were written" if total > MOST_BYTES else None


def _tar(rng: Random, kind: str) -> tuple[bytes, str]:
    buffer, note = io.BytesIO(), "tar"
    shape = rng.choice((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT))
    with tarfile.open(fileobj=buffer, mode="w", format=shape, errors="surrogatepass") as tar:
        hostile = rng.randrange(len(NAMES)) if kind else -1
        for place, name in enumerate(NAMES):
            if place == hostile:
                try:
                    note = _add_hostile(tar, kind, rng)
                except (ValueError, UnicodeError):
                    note = "tar whose format cannot hold the member"
            _add(tar, tarfile.TarInfo(name), recordings()[0].data[: 4000 + place])
    return buffer.getvalue(), note


def _add(tar: tarfile.TarFile, member: tarfile.TarInfo, data: bytes) -> None:
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _add_hostile(tar: tarfile.TarFile, kind: str, rng: Random) -> str:
    member = tarfile.TarInfo("corpus/x")
    if kind == "name":
        member.name = rng.choice(HOSTILE_NAMES)
    elif kind in ("symlink", "hardlink"):
        member.type = tarfile.SYMTYPE if kind == "symlink" else tarfile.LNKTYPE
        member.linkname = rng.choice(LINK_TARGETS)
    elif kind == "chain":
        member.name = _add_chain(tar)
    elif kind == "device":
        member.type = rng.choice((tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"))
        member.devmajor, member.devminor = 1, 5
    elif kind == "bomb":
        member.size = BOMB_BYTES
        tar.addfile(member, _Zeros(BOMB_BYTES))
        return "a member of zeros"
    elif kind == "many":
        for number in range(3000):
            tar.addfile(tarfile.TarInfo(f"corpus/many/{number}"))
        return "3000 members"
    elif kind == "mode":
        member.mode, member.uid, member.mtime = rng.choice((0, 0o7777, 0o4755)), 2**20, rng.choice((-1, 2**40))
    else:
        member.name = NAMES[0]
    _add(tar, member, b"x" if kind in ("name", "mode", "same", "chain") else b"")
    return f"{kind} {member.name[:30]!r} -> {member.linkname[:30]!r}"


def _add_chain(tar: tarfile.TarFile) -> str:
    """Links into folders of long names: the path through them is longer than the system resolves; a name outside."""
    step, path = "d" * 247, ""
    for letter in LETTERS:
        folder, link = tarfile.TarInfo(f"{path}{step}"), tarfile.TarInfo(f"{path}{letter}")
        folder.type, link.type, link.linkname = tarfile.DIRTYPE, tarfile.SYMTYPE, step
        tar.addfile(folder)
        tar.addfile(link)
        path += f"{step}/"
    through, out = tarfile.TarInfo("/".join(LETTERS) + "/" + "l" * 254), tarfile.TarInfo("escape")
    through.type = out.type = tarfile.SYMTYPE
    through.linkname, out.linkname = "../" * len(LETTERS), f"{through.name}/.."
    tar.addfile(through)
    tar.addfile(out)
    return "escape/outside"


class _Zeros(io.RawIOBase):
    """So many zero bytes."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int = -1) -> bytes:
        size = self._left if size < 0 else min(size, self._left)
        self._left -= size
        return bytes(size)


def _zip(rng: Random, *, is_hostile: bool) -> tuple[bytes, str]:
    buffer, note = io.BytesIO(), "zip"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name in NAMES:
            file.writestr(zipfile.ZipInfo(name), recordings()[0].data[:4000])
        if is_hostile:
            kind = rng.choice(("name", "link", "bomb", "same", "mode"))
            member = zipfile.ZipInfo("corpus/x")
            if kind == "name":
                member.filename = rng.choice(HOSTILE_NAMES).replace("\ud800", "x")
            elif kind == "link":
                member.external_attr = 0o120777 << 16
            elif kind == "mode":
                member.external_attr = rng.choice((0o020666, 0o010666, 0)) << 16
            elif kind == "same":
                member.filename = NAMES[0].upper()
            member.compress_type = zipfile.ZIP_DEFLATED
            data = bytes(BOMB_BYTES) if kind == "bomb" else b"../.."
            file.writestr(member, data)
            note = f"zip with {kind} {member.filename[:30]!r}"
    return buffer.getvalue(), note
