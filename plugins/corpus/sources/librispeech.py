"""LibriSpeech (Panayotov et al. 2015), https://www.openslr.org/12: read English books, 16 kHz FLAC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from megaasr import hookimpl, read_text

from .base import Archive, Row, Source, first_below

MD5 = {  # https://www.openslr.org/resources/12/md5sum.txt
    "dev-clean": "42e2234ba48799c1f50f24a7926300a1",
    "dev-other": "c8d0bcc9cca99d4f8b62fcc847357931",
    "test-clean": "32fa31d27d2e1cad72775fee3f4849a9",
    "test-other": "fb5a50374b501bb3bac4815ee91d3135",
    "train-clean-100": "2a93770f6d5c6c964bc36631d331a522",
    "train-clean-360": "c0e676e450a7ff2f54aeade5171606fa",
    "train-other-500": "d1a0fd59409feb2c614ce4d30c387708",
}


class LibriSpeech(Source):
    """Layout: ``LibriSpeech/PART/SPEAKER/CHAPTER/`` with one FLAC per utterance and one ``.trans.txt`` per chapter."""

    def locate(self, folder: Path, part: str) -> Path | None:
        """The folder named like the part that contains speakers' folders with transcripts."""
        return first_below(folder, lambda path: path.name == part and any(path.glob("*/*/*.trans.txt")))

    def rows(self, root: Path, part: str) -> Iterator[Row]:
        """One row per utterance; the text is upper case without punctuation, as published."""
        genders = _genders(root.parent / "SPEAKERS.TXT")
        for transcript in sorted(root.glob("*/*/*.trans.txt")):
            for line in read_text(transcript).splitlines():
                utterance, _, text = line.strip().partition(" ")
                if not utterance:
                    continue
                speaker = utterance.partition("-")[0]
                gender = genders.get(speaker)
                yield {
                    "audio": (transcript.parent / f"{utterance}.flac").relative_to(root).as_posix(),
                    "id": f"librispeech-{utterance}",
                    "text": text,
                    "language": "en",
                    "speaker": f"ls-{speaker}",
                    **({"gender": gender} if gender else {}),
                    "source": f"LibriSpeech {part}",
                    "split": part.partition("-")[0],
                }


def _genders(path: Path) -> dict[str, str]:
    """Map from speaker to m or f, from lines such as ``14   | F | train-clean-360 | 25.03 | Name``."""
    if not path.is_file():
        return {}
    lines = [line.split("|") for line in read_text(path).splitlines() if not line.startswith(";")]
    return {line[0].strip(): line[1].strip().lower() for line in lines if len(line) > 2}


LIBRISPEECH = LibriSpeech(
    name="librispeech",
    title="LibriSpeech",
    kind="speech",
    licence="CC BY 4.0",
    homepage="https://www.openslr.org/12",
    parts=tuple(MD5),
    usual=("dev-clean", "train-clean-100"),
    archives=tuple(
        Archive(f"https://www.openslr.org/resources/12/{part}.tar.gz", (part,), md5) for part, md5 in MD5.items()
    ),
)


@hookimpl
def register_corpus_sources(register):
    register(LIBRISPEECH)
