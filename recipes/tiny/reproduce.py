"""Run the whole recipe, from recordings and packages to weights and tables: ``make reproduce DATA=DIR``.

    python -m recipes.tiny.reproduce DATA --out OUT

Every step prints its command and runs it. A completed step is skipped unless its command, an earlier step, the code or
the recordings have changed; a killed step resumes where it stopped. Where a folder of a training or a plan is of other
code or data, the step says which part differs, and which folder to remove.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
import yaml

from megaasr import write_text

from . import command
from .average import configurations
from .measuring import FITTED, OPINION, both_ways, compared, judged, one_family, results
from .mixtures import (
    DRAWS,
    EASIER,
    MILD,
    MIXTURES,
    NOISY,
    REST,
    Mixture,
    configuration,
    open_mixture,
    scenario_option,
)
from .parts import HELD, PARTS
from .running import HERE, Step, inputs, megaasr, recipe, run, together

CHOOSE_CLIPS, REPORT_CLIPS = 108, 486
"""Number of simulated clips of each part, multiples of 54: at most one of each clean utterance."""
CHOOSE_MOST = 130
"""Most clips of a family in the part choose as it is decoded."""
OPINION_CLIPS = 228
"""Number of clips of the part train that the weights of second_opinion are fitted to: 4 of each scenario."""
CLEAN = "clean/manifest.jsonl"


def plan(name: str, scenarios: str, count: int, seed: int, speech: str, *options: str) -> Step:
    """A step that plans a corpus over recordings of speech, with noises and room responses of the same part.

    Args:
        speech: manifest of the speech: ``sources/PART.jsonl`` for choose and report, any other for train.
    """
    part = Path(speech).stem if speech.startswith("sources/") else "train"
    banks = ("--noise", f"noise/{part}.jsonl", "--rir", f"parts/rir/{part}.jsonl")
    counted = ("--count", str(count), "--seed", str(seed))
    return megaasr(
        f"plan {name}", "corpus", "plan", "--speech", speech, *banks, "--scenarios", scenarios, *counted, *options,
        "-o", f"plans/{name}",
    )  # fmt: skip


def draw(number: int, clips: int, mixture: Mixture, name: str = "", *options: str) -> list[Step]:
    """The steps of one draw of training data for the adapter: clean clips, and the plans of the mixture.

    Args:
        number: number of the draw, part of its seeds.
        clips: number of clean clips.
        mixture: the mixture of its plans.
        name: name of the draw in its paths; empty: its number.
        options: more options of `recipes.tiny.pack_speech`.
    """
    name = name or str(number)
    folder = f"draws/{name}"
    thinned, counted = ("--thin", "packages"), ("--count", str(clips), "--seed", str(100 + number))
    steps = [recipe(f"pack_speech of {folder}", CLEAN, "--out", folder, *thinned, *counted, *options)]
    for place, group in enumerate(mixture.groups, start=1):
        planned, seed = Path(group.plan(name)).name, 1000 * place + number
        count = max(1, round(group.share * clips))
        scenarios = scenario_option(group.scenarios)
        steps.append(plan(planned, scenarios, count, seed, f"{folder}/manifest.jsonl", *group.options))
    return steps


def divided(data: Path) -> list[Step]:
    """The steps that divide the recordings into parts, select training data, and check that the parts share nothing."""
    held = [f"parts/{part}.jsonl" for part in HELD]
    excluded = [word for path in held for word in ("--held-out", path)]
    voices = [word for part in PARTS for word in ("--speech", f"parts/{part}.jsonl")]
    of_part = {part: [f"noise/{part}.jsonl", f"parts/rir/{part}.jsonl"] for part in PARTS}
    of_part["train"].append(CLEAN)
    for part in HELD:
        of_part[part].append(f"parts/{part}.jsonl")
    checked = [word for part in PARTS for path in of_part[part] for word in (f"--{part}", path)]
    return [
        recipe("families", str(data), "--out", "parts", "--without", "GRID"),  # a grammar of commands
        recipe("build_speech", "speech", *excluded),
        recipe("select_speech", "parts/train.jsonl", "packages=speech", "--out", "clean", *excluded),
        recipe("build_noise", "parts/noise.jsonl", *voices, "--out", "noise"),
        recipe("parts", *checked),
    ]


def trained(out: Path, configured: str) -> list[Step]:
    """The steps that train the adapter: all runs side by side, then their mean.

    Args:
        configured: text of the configuration; writes it to OUT/sft.yaml, and that of each run beside it.
    """
    write_text(out / "sft.yaml", configured)
    runs, folders = [], []
    for number, settings in enumerate(configurations(yaml.safe_load(configured)), start=1):
        name, folder = f"sft_{number}.yaml", f"sft/run-{number}"
        write_text(out / name, yaml.safe_dump(settings, sort_keys=False))
        runs.append(megaasr(f"run {number}", "train", "sft", str(out / name), "-o", folder))
        folders += ["--run", folder]
    return [together("train sft", *runs), recipe("average", str(out / "sft.yaml"), *folders, "--out", "sft")]


def steps(data: Path, out: Path, clips: int, mixture: Mixture) -> list[Step]:
    """All steps of the recipe, in order; writes the configurations of the adapter's training.

    Args:
        data: folder of the recordings.
        clips: number of clean clips of each draw for the adapter; the router's draw has twice as many.
        mixture: mixture of the adapter's training clips.
    """
    packed = "packs/manifest.jsonl"
    noisy, rest = scenario_option(NOISY), scenario_option(REST)
    return [
        *divided(data),
        recipe("pack_speech", CLEAN, "--out", "packs", "--count", str(2 * clips)),
        recipe("manifests", "--out", "."),
        plan("wild", "all", clips * 7 // 15, 1, packed, *EASIER),
        plan("noise", noisy, clips * 9 // 15, 2, packed),
        plan("rest", rest, clips * 2 // 15, 3, packed),
        plan("opinions", f"{scenario_option(MILD)},all", OPINION_CLIPS, 4, packed),
        *(step for number in range(DRAWS) for step in draw(number, clips, mixture)),
        plan("choose", "all", CHOOSE_CLIPS, 11, "sources/choose.jsonl"),
        plan("report", "all", REPORT_CLIPS, 12, "sources/report.jsonl"),
        *(
            recipe(f"join_manifests {part}", f"parts/{part}.jsonl", f"plans/{part}", "--out", f"{part}.jsonl", *options)
            for part, options in zip(HELD, (("--most", str(CHOOSE_MOST)), ()), strict=True)
        ),
        *trained(out, configuration(HERE / "sft.yaml", mixture, clips)),
        both_ways("choose.jsonl"),
        recipe("outcomes of choose", *results("choose"), "--out", "results/choose.jsonl"),
        both_ways("plans/opinions"),
        recipe("fit_opinion", *results("opinions"), "--out", FITTED),
        megaasr("train router", "train", "router", str(HERE / "router.yaml"), "-o", "router"),
        recipe("opinions", ".", "--out", OPINION),
        *compared("choose.jsonl", "family", "condition"),
        judged("choose"),
        both_ways("report.jsonl"),
        *compared("report.jsonl", "family", "condition"),
        judged("report"),
        recipe("summary", "report/report.json", "--out", "report/summary.md"),
        *one_family("simulated", "effect", "effects", "severity", "scenario"),
        *one_family("noizeus", "snr_db", "noise"),
    ]


def main(
    data: Annotated[
        Path, typer.Argument(help="Folder with speech/, speech_more/, noise/, noise_more/, rir/, dev_real/.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write everything to.")],
    clips: Annotated[int, typer.Option(min=150, help="Number of clean clips of each draw.")] = 1_500,
    mixture: Annotated[str, typer.Option(help=f"Mixture of training clips: {', '.join(MIXTURES)}.")] = "mild",
) -> None:
    """Build the data, train adapter and router, and evaluate both."""
    chosen = open_mixture(mixture)
    out.mkdir(parents=True, exist_ok=True)
    started, digest = time.monotonic(), inputs(data.resolve())
    for folder in ("report", "results"):
        (out / folder).mkdir(exist_ok=True)
    for step in steps(data.resolve(), out.resolve(), clips, chosen):
        digest = run(step, out, digest)
    write_text(out / "WALL_TIME", f"{time.monotonic() - started:.0f} s\n")


if __name__ == "__main__":
    command.run(main)
