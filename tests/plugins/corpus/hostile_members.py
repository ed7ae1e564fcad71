"""Tables of archives that must be refused, each with the words of the line that says why."""

import random
import struct
import zipfile

from tests.plugins.corpus.hostile_archives import header, overlapping_zip, packed_zip, pax, tar, with_checksum

SPEECH = random.Random(5).randbytes(3_000)
GOOD = tar(("top/a.txt", b"x"), ("top/b/c.flac", SPEECH))
GOOD_ZIP = packed_zip(("top/a.txt", b"x" * 900), ("top/b/c.flac", SPEECH), compression=zipfile.ZIP_DEFLATED)
LONG = "d" * 247


def chain_of_links():
    """A chain of links whose resolved path is longer than PATH_MAX: `filter="data"` of Python 3.11.7 lets it out."""
    members, folder = [], ""
    for letter in "abcdefghijklmnop":
        members.append(header("long", 1_024, b"L") + (folder + LONG).encode().ljust(1_024, b"\0"))
        members.append(header("x", kind=b"5"))
        members.append(header(folder + letter if len(folder) < 90 else letter, kind=b"2", linkname=LONG[:99]))
        folder = f"{folder}{LONG}/"[:700]
    return tar(*members, header("escape", kind=b"2", linkname="../.."), ("escape/outside.txt", b"evil"))


def zip_kind(mode):
    return packed_zip(("bad", b"../../evil"), mode=mode)


MEMBERS = {
    "symbolic link": (tar(header("bad", kind=b"2", linkname="good")), "member 'bad' is a symbolic link"),
    "hard link": (tar(("good", b""), header("bad", kind=b"1", linkname="good")), "member 'bad' is a hard link"),
    "link behind a long name": (tar(pax(linkpath=b"/etc"), header("bad", kind=b"2")), "'bad' is a symbolic link"),
    "chain beyond PATH_MAX": (chain_of_links(), "is a symbolic link"),
    "link in a zip": (zip_kind(0o120777), "'bad' is a symbolic link"),
    "FIFO": (tar(header("bad", kind=b"6")), "'bad' is a FIFO"),
    "FIFO in a zip": (zip_kind(0o010644), "'bad' is a FIFO"),
    "character device": (tar(header("bad", kind=b"3", devmajor=1, devminor=3)), "'bad' is a character device"),
    "block device": (tar(header("bad", kind=b"4", devmajor=8)), "'bad' is a block device"),
    "device in a zip": (zip_kind(0o020644), "'bad' is a device"),
    "socket in a zip": (zip_kind(0o140644), "'bad' is a socket"),
    "sparse file": (tar(header("bad", kind=b"S")), "'bad' is a sparse file"),
    "sparse file of pax": (tar(pax(GNU__sparse__major=b"1"), ("bad", b"x")), "'bad' is a sparse file"),
    "unknown type": (tar(header("bad", kind=b"V")), "'bad' is of the unknown type"),
    "absolute": (tar(("/bad", b"x")), "'/bad' lies outside the folder"),
    "absolute, extended": (tar(pax(path=b"/bad"), ("good", b"x")), "'/bad' lies outside the folder"),
    "parent": (tar(("a/../../bad", b"x")), "lies outside the folder"),
    "parent, folder": (tar(header("../bad", kind=b"5"), ("a", b"x")), "'../bad' lies outside the folder"),
    "drive": (tar(("C:bad", b"x")), "'C:bad' lies outside the folder"),
    "drive in a zip": (packed_zip(("C:\\bad", b"x")), "lies outside the folder"),
    "share": (packed_zip(("\\\\host\\share\\bad", b"x")), "lies outside the folder"),
    "NUL": (tar(pax(path=b"bad\0.txt"), ("a", b"x")), "has a control character in its name"),
    "NUL in a plain name": (tar(with_checksum(header("bad~.txt").replace(b"~", b"\0"))), "'bad' has a NUL in its name"),
    "NUL in a zip": (packed_zip(("bad\0.txt", b"x")), "has a control character in its name"),
    "line feed": (tar(("ba\nd", b"x")), "has a control character in its name"),
    "not UTF-8": (tar(pax(path=b"caf\xe9"), ("a", b"x")), "has a name that is not UTF-8"),
    "long name": (tar(pax(path=b"n" * 256), ("a", b"x")), "has a name of more than 255 bytes"),
    "long name of GNU": (tar(header("long", 300, b"L") + (b"n" * 300).ljust(512, b"\0"), ("a", b"x")), "more than 255"),
    "long path": (tar(pax(path=b"/".join([b"n" * 200] * 25)), ("a", b"x")), "has a path of more than 4095 bytes"),
    "deep": (tar(("a/" * 40 + "b", b"x")), "lies deeper than 32 folders"),
    "nameless": (tar((".", b"x")), "'.' has no name"),
    "twice": (tar(("bad", b"1"), ("bad", b"2")), "'bad' occurs twice"),
    "twice in a zip": (packed_zip(("bad", b"1"), ("BAD", b"2")), "'BAD' occurs twice, or differs only in case"),
    "case of a folder": (tar(("A/b", b"1"), ("a/c", b"2")), "'a/c' lies below a file, or differs only in case"),
    "case of a special letter": (tar(("STRASSE", b"1"), ("straße", b"2")), "occurs twice"),
    "below a file": (tar(("a", b"1"), ("a/b", b"2")), "'a/b' lies below a file"),
    "file over a folder": (tar(("a/b", b"1"), ("a", b"2")), "'a' occurs twice"),
    "encrypted": (packed_zip(("bad", b"x"), flags=1), "'bad' is encrypted"),
    "LZMA in a zip": (packed_zip(("bad", b"x"), compression=zipfile.ZIP_LZMA), "is packed by method 14"),
    "overlap": (overlapping_zip(40, 60_000), "overlaps another"),
    "many members": (tar(*((f"{number}", b"") for number in range(60))), "more than 50 members"),
    "extended header": (tar(header("bad", 2**31, b"x")), "has an extended header of 2147483648 bytes"),
}


BOMBS = {
    "one file": tar(("zeros", bytes(400_000))),
    "many files": tar(*((f"{number}", bytes(20_000)) for number in range(40))),
    "behind the end mark": GOOD + bytes(5_000_000),
    "only headers": tar(*(header(f"{number % 7}", kind=b"5") for number in range(40)), header("p", 2**18, b"x")) * 9,
}


DAMAGE = {
    "a header in the middle": GOOD[:1_030] + b"\1" + GOOD[1_031:],
    "no end mark": tar(("a", b"x"), ends=False),
    "data behind the end mark": GOOD + tar(("b", b"x")),
    "zeros instead of a header": GOOD[:1024] + bytes(512) + GOOD[1536:],
    "only an end mark": bytes(1024),
    "a size below zero": tar(header("a", -5)),
    "a size that is no number": tar(pax(size=b"-1"), ("a", b"x")),
    "a broken extended header": tar(header("p", 9, b"x") + b"99 path=a".ljust(512, b"\0"), ("a", b"x")),
    "an extended header at the end": tar(pax(path=b"a")),
    "a page": b"\n<!DOCTYPE html><html><body>Sign in</body></html>" * 20,
    "nothing": b"",
    "a cut zip": GOOD_ZIP[:-5],
    "a zip with a wrong checksum": GOOD_ZIP.replace(SPEECH[100:130], SPEECH[130:160]),
    "an empty zip": packed_zip(),
    "a zip that is larger inside": GOOD_ZIP.replace(struct.pack("<L", 900), struct.pack("<L", 800)),
}
