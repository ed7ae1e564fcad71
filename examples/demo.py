"""Transcribe eight bad recordings, then make one clean recording bad and transcribe that. Run by `make demo`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from megaasr import (
    SampleKey,
    SoundBank,
    Transcriber,
    align,
    find_scenario,
    installed_plugins,
    plan,
    read_audio,
    read_jsonl,
    render,
    tokenise,
    write_audio,
)

HERE = Path(__file__).parent
CLEAN = HERE / "clean" / "LJ001-0001.flac"
CLEAN_TEXT = (
    "Printing, in the only sense with which we are at present concerned, differs from most if not from all the arts "
    "and crafts represented in the Exhibition"
)


def main() -> None:
    """Print references, transcripts, WER, route and seconds."""
    started = time.perf_counter()
    transcriber = Transcriber.open()
    say(f"model loaded in {time.perf_counter() - started:.1f} s\n")
    degraded_clips(transcriber)
    degrade_one(transcriber)
    say(f"\nall of it took {time.perf_counter() - started:.1f} s")


def degraded_clips(transcriber: Transcriber) -> None:
    """The eight clips of examples/vitw, by what ships and by the base alone."""
    rows = read_jsonl(HERE / "vitw" / "manifest.jsonl")
    base = Transcriber(transcriber.backend, installed_plugins().routers["always_base"].create())
    edits = base_edits = words = 0
    paths = [HERE / "vitw" / row["audio"] for row in rows]
    for row, result, alone in zip(rows, transcriber.transcribe_files(paths), base.transcribe_files(paths), strict=True):
        if result.transcript is None or alone.transcript is None:
            sys.exit(result.error or alone.error)
        heard, reference = result.transcript, tokenise(row["text"])
        alignment, base_alignment = (align(reference, tokenise(one.text)) for one in (heard, alone.transcript))
        edits, base_edits = edits + alignment.num_edits, base_edits + base_alignment.num_edits
        words += alignment.ref_len
        say(f"{row['category']}: WER {alignment.wer:.1%}, route {heard.route}, {heard.seconds:.2f} s")
        say(f"  said   {row['text']}\n  heard  {heard.text}")
        say(f"  base   {alone.transcript.text}   (WER {base_alignment.wer:.1%})")
    say(f"eight clips, {words} words: {edits} errors, {base_edits} by the base alone")
    say(f"WER {edits / words:.1%}, {base_edits / words:.1%} by the base alone\n")


def degrade_one(transcriber: Transcriber) -> None:
    """A clean sentence, and the same across a room with babble."""
    plugins = installed_plugins()
    clean = read_audio(CLEAN)
    banks = {"noise": SoundBank.open(HERE / "noise")}
    scenario = find_scenario("far_field+noise", plugins)
    size = len(clean.samples)
    recipe = plan(
        scenario,
        SampleKey(1, CLEAN.stem),
        plugins,
        num_samples=size,
        sample_rate=clean.sample_rate,
        severity=0.3,
        banks=banks,
    )
    rendered = render(clean, recipe, plugins, banks)
    say(f"{CLEAN.name}, clean and as {recipe.scenario} at severity {recipe.severity}:")
    say(f"  said   {CLEAN_TEXT}")
    with TemporaryDirectory() as folder:
        write_audio(Path(folder) / "degraded.wav", rendered.audio)
        for name, path in (("clean", CLEAN), ("degraded", Path(folder) / "degraded.wav")):
            heard = transcriber.transcribe(path)
            alignment = align(tokenise(CLEAN_TEXT), tokenise(heard.text))
            say(f"  heard  {heard.text}")
            say(f"         {name}: WER {alignment.wer:.1%}, route {heard.route}, {heard.seconds:.2f} s")


def say(line: str) -> None:
    """Print at once, so that a slow machine shows progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
