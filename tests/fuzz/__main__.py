"""`python -m tests.fuzz`: a campaign, its table and its failing inputs."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from .campaign import Result, keep_folder, run_cases
from .kinds import FAULTY, KINDS
from .report import causes, table

ROUND = 200
"""Cases of a kind before the next kind has its turn, when the campaign ends by the clock."""


def main() -> int:
    """Run a campaign; 1 if anything was wrong."""
    options = _parser().parse_args()
    kept = options.out
    kinds = options.kind or [kind for kind in KINDS if kind != FAULTY]
    sys.stdout.write(f"seed {options.seed}\n")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as work:
        results = []
        for result in _results(options, kinds, Path(work)):
            results.append(result)
            if result.faults:
                sys.stdout.write(f"{result}\n")
                _keep(result, Path(work), kept)
            if not len(results) % 1000:
                sys.stderr.write(f"{len(results)} cases\n")
    sys.stdout.write(table(results))
    failed = [result for result in results if result.faults]
    if failed:
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "table.md").write_text(table(results))
        (kept / "causes.md").write_text(causes(failed))
        sys.stdout.write(f"{len(failed)} cases failed; inputs and causes are in {kept}\n")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--kind", action="append", choices=list(KINDS), help="only this kind; repeatable")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="cases of each kind")
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="only the case of this number")
    parser.add_argument("--seconds", type=float, help="instead of --count: as many rounds over the kinds as fit")
    parser.add_argument("--quiet", type=float, default=60.0, help="seconds after which a case counts as a hang")
    parser.add_argument("--out", type=Path, default=Path("work/fuzz"), help="where failing inputs go")
    return parser


def _results(options: argparse.Namespace, kinds: list[str], work: Path) -> Iterator[Result]:
    if options.only is not None:
        rounds = [(options.only, options.only + 1)]
    elif options.seconds is None:
        rounds = [(options.start, options.start + (options.count or 1000))]
    else:
        yield from _until(time.monotonic() + options.seconds, options, kinds, work)
        return
    for start, stop in rounds:
        yield from chain.from_iterable(
            run_cases(kind, options.seed, start, stop, work, options.quiet) for kind in kinds
        )


def _until(end: float, options: argparse.Namespace, kinds: list[str], work: Path) -> Iterator[Result]:
    start = options.start
    while time.monotonic() < end:
        for kind in kinds:
            for result in run_cases(kind, options.seed, start, start + ROUND, work, options.quiet):
                yield result
                if time.monotonic() > end:
                    return
        start += ROUND


def _keep(result: Result, work: Path, kept: Path) -> None:
    name = f"{result.kind}-{result.seed}-{result.number}"
    keep_folder(work / "failed" / name, kept / name)
    (kept / name / "what.txt").write_text(f"{result}\n  {result.command}\n", errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
