"""Transcribe eight degraded recordings, then degrade a clean recording and transcribe it. Run by `make demo`."""

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
    """Print references, transcripts, WER, routes and decoding times."""
    started = time.perf_counter()
    transcriber = Transcriber.open()
    say(f"model loaded in {time.perf_counter() - started:.1f} s\n")
    degraded_clips(transcriber)
    degrade_one(transcriber)
    say(f"\ntotal time {time.perf_counter() - started:.1f} s")


def degraded_clips(transcriber: Transcriber) -> None:
    """Transcribe the eight clips of examples/vitw by the default system and by the base alone."""
    rows = read_jsonl(HERE / "vitw" / "manifest.jsonl")
    base = Transcriber(transcriber.backend, installed_plugins().routers["always_base"].create())
    edits = base_edits = words = 0
    paths = [HERE / "vitw" / row["audio"] for row in rows]
    results, base_results = transcriber.transcribe_files(paths), base.transcribe_files(paths)
    for row, result, base_result in zip(rows, results, base_results, strict=True):
        transcript, base_transcript = result.transcript, base_result.transcript
        if transcript is None or base_transcript is None:
            sys.exit(result.error or base_result.error)
        reference = tokenise(row["text"])
        alignment, base_alignment = (align(reference, tokenise(t.text)) for t in (transcript, base_transcript))
        edits, base_edits = edits + alignment.num_edits, base_edits + base_alignment.num_edits
        words += alignment.ref_len
        say(f"{row['category']}: WER {alignment.wer:.1%}, route {transcript.route}, {transcript.seconds:.2f} s")
        say(f"  reference   {row['text']}\n  transcript  {transcript.text}")
        say(f"  base alone  {base_transcript.text}   (WER {base_alignment.wer:.1%})")
    say(f"eight clips, {words} words: {edits} errors, {base_edits} by the base alone")
    say(f"WER {edits / words:.1%}, {base_edits / words:.1%} by the base alone\n")


def degrade_one(transcriber: Transcriber) -> None:
    """Transcribe a clean sentence, and the same sentence with a far-field room and background noise."""
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
    say(f"  reference   {CLEAN_TEXT}")
    with TemporaryDirectory() as folder:
        write_audio(Path(folder) / "degraded.wav", rendered.audio)
        for name, path in (("clean", CLEAN), ("degraded", Path(folder) / "degraded.wav")):
            transcript = transcriber.transcribe(path)
            alignment = align(tokenise(CLEAN_TEXT), tokenise(transcript.text))
            say(f"  transcript  {transcript.text}")
            say(f"              {name}: WER {alignment.wer:.1%}, route {transcript.route}, {transcript.seconds:.2f} s")


def say(line: str) -> None:
    """Print a line and flush, so that a slow machine shows progress."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
