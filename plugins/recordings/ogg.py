"""Ogg: every page is checked, and a file is split where another recording begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from mmap import mmap
from typing import BinaryIO

from megaasr import AudioError, OggPage, ogg_checksum, ogg_pages

from .views import all_bytes, view

MAGIC = b"OggS"
KNOWN_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC")
"""First packets of the codecs in Ogg that libsndfile decodes."""


@dataclass
class OggPart:
    """One recording of a file, from the pages that begin its streams to those that end them.

    Args:
        stream: its bytes; if the writer did not mark the end, the last page is marked here.
        is_plain: it is one stream, of a codec that libsndfile decodes.
        is_ended: the writer marked the end of every stream.
    """

    stream: BinaryIO
    is_plain: bool
    is_ended: bool


@dataclass
class _Link:
    start: int
    codecs: list[bytes] = field(default_factory=list)
    last: dict[int, OggPage] = field(default_factory=dict)
    has_data: bool = False


def ogg_parts(stream: BinaryIO, name: str) -> list[OggPart]:
    """The recordings in an Ogg file in order.

    Raises:
        AudioError: a page is damaged or missing, or the file ends within a page.
    """
    data, links = all_bytes(stream), list[_Link]()
    for page in ogg_pages(data, name):
        if page.begins:
            if not links or links[-1].has_data:
                links.append(_Link(page.start))
            links[-1].codecs.append(data[page.body : page.body + 8])
        elif not links or page.serial not in links[-1].last:
            raise AudioError(f"{name}: damaged, the page at byte {page.start} is of no stream; copy the file again")
        else:
            links[-1].has_data = True
            if page.number != links[-1].last[page.serial].number + 1:
                raise AudioError(f"{name}: damaged, pages are missing before byte {page.start}; copy the file again")
        links[-1].last[page.serial] = page
    stops = [*(link.start for link in links[1:]), len(data)]
    return [_part(stream, data, link, stop) for link, stop in zip(links, stops, strict=True)]


def _part(stream: BinaryIO, data: bytes | mmap, link: _Link, stop: int) -> OggPart:
    patches, unended = {}, [page for page in link.last.values() if not page.ends]
    for page in unended:
        marked = bytearray(data[page.start : page.stop])
        marked[5] |= 4
        marked[22:26] = bytes(4)
        patches[page.start - link.start + 5] = bytes(marked[5:6])
        patches[page.start - link.start + 22] = ogg_checksum(bytes(marked)).to_bytes(4, "little")
    is_plain = len(link.codecs) == 1 and link.codecs[0].startswith(KNOWN_CODECS)
    return OggPart(view(stream, link.start, stop, patches), is_plain, not unended)
