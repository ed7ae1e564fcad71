"""Makers of archives that must be refused, and of archives that are changed at random."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

PACKERS = {"": bytes, ".gz": lambda data: gzip.compress(data, 1), ".bz2": bz2.compress, ".xz": lzma.compress}


def header(name, size=0, kind=b"0", **fields):
    """The 512 bytes before a member of a tar."""
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    for field, value in fields.items():
        setattr(member, field, value)
    return member.tobuf(tarfile.GNU_FORMAT)


def with_checksum(block):
    """A header whose checksum is right again."""
    total = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
    return block[:148] + b"%06o\0 " % total + block[156:]


def padded(data):
    return data + bytes(-len(data) % 512)


def tar(*members, ends=True):
    """A plain tar of `header` blocks and of (name, content) pairs."""
    blocks = [
        member if isinstance(member, bytes) else header(member[0], len(member[1])) + padded(member[1])
        for member in members
    ]
    return b"".join(blocks) + bytes(1024 * ends)


def pax(**records):
    """An extended header; a double underscore in a key stands for a dot."""
    lines = b""
    for key, value in records.items():
        body = b" " + key.replace("__", ".").encode() + b"=" + value + b"\n"
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length += 1
        lines += str(length).encode() + body
    return header("pax", len(lines), b"x") + padded(lines)


def packed_zip(*members, compression=zipfile.ZIP_STORED, flags=0, mode=0):
    """A zip of (name, content) pairs."""
    memory = io.BytesIO()
    written = [name.replace("\0", "~").replace("\\", "~") for name, _ in members]  # zipfile changes these two
    with zipfile.ZipFile(memory, "w") as file:
        for name, (_, content) in zip(written, members, strict=True):
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, compression
            file.writestr(info, content)
    data = memory.getvalue()
    for name, (wanted, _) in zip(written, members, strict=True):
        data = data.replace(name.encode(), wanted.encode()) if name != wanted else data
    return _with_flags(data, flags) if flags else data


def _with_flags(data, flags):
    changed = bytearray(data)
    changed[6:8] = struct.pack("<H", flags)
    at = data.index(b"PK\1\2")
    changed[at + 8 : at + 10] = struct.pack("<H", flags)
    return bytes(changed)


def overlapping_zip(count, size):
    """A zip whose directory names one compressed file `count` times under different names of equal length."""
    data = packed_zip(("000000", bytes(size)), compression=zipfile.ZIP_DEFLATED)
    begin, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entries = b"".join(data[begin:end].replace(b"000000", b"%06d" % number) for number in range(count))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(entries), begin, 0)
    return data[:begin] + entries + tail


def changed(data, rng):
    """The bytes with one to four changes at random: bits, spans, cuts, insertions, copies."""
    bytes_ = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(bytes_)) if bytes_ else 0
        length = rng.choice((1, 2, 8, 60, 512))
        match rng.randrange(6):
            case 0 if bytes_:
                bytes_[at] ^= 1 << rng.randrange(8)
            case 1:
                bytes_[at : at + length] = rng.randbytes(length)
            case 2:
                bytes_[at : at + length] = bytes([rng.choice((0, 255))]) * length
            case 3:
                del bytes_[at : at + length * rng.choice((1, 20))]
            case 4:
                begin = rng.randrange(len(bytes_) + 1)
                bytes_[at:at] = bytes_[begin : begin + length]
            case _:
                del bytes_[at:]
    return bytes(bytes_)


def listing(folder):
    """Every path below a folder, with the content of files and the targets of links."""
    found = {}
    for path in sorted(folder.rglob("*")):
        found[str(path.relative_to(folder))] = (
            path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        )
    return found
