"""Reinforcement learning on top of the recipe's adapter, held against it on the part report.

    python -m recipes.tiny.reinforce OUT

OUT is the recipe's folder after ``make reproduce``. The clips are samples of the part train with the base's WER, medium
and high enriched (`megaasr corpus rl`).
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from megaasr import write_text

from . import command
from .measuring import CLUSTER, by_adapter, result
from .mixtures import MILD, scenario_option
from .reproduce import plan
from .running import HERE, Step, finished, megaasr, run

SAMPLED, CLIPS = 900, 480
"""Samples that are planned and labelled, and those of them that are learned from."""
SPEECH = "draws/0/manifest.jsonl"
TRAINED = "rl/adapter"


def data() -> list[Step]:
    """The steps that plan, label and draw the clips."""
    labelled = ("plans/rl", "-o", "labels/rl.jsonl", "--batch-size", "64", "--decode", "num_beams=1")
    return [
        plan("rl", f"{scenario_option(MILD)},all", SAMPLED, 31, SPEECH),
        megaasr("label rl", "corpus", "label", *labelled),
        megaasr("draw rl", "corpus", "rl", "labels/rl.jsonl", "--count", str(CLIPS), "-o", "rl.jsonl"),
    ]


def steps(out: Path) -> list[Step]:
    """All steps; copies the configuration to OUT."""
    write_text(out / "rl.yaml", (HERE / "rl.yaml").read_text(encoding="utf-8"))
    before, after = result("report", "robust"), result("report", "rl")
    written = ("--report", "report/rl.md", "--summary", "report/rl.json")
    return [
        *data(),
        megaasr("train rl", "train", "rl", str(out / "rl.yaml"), "-o", "rl"),
        by_adapter("rl", "report.jsonl", TRAINED),
        megaasr(
            "compare rl", "compare", before, f"rl={after}", "--by", "family", "--by", "condition", *CLUSTER, *written
        ),
    ]


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Draw the clips, train, and compare with the adapter before on the part report."""
    (out / "labels").mkdir(exist_ok=True)
    digest = finished(out)
    for step in steps(out.resolve()):
        digest = run(step, out, digest)
    shutil.copyfile(out / "rl" / "curves.png", out / "report" / "rl_curves.png")
    command.say(f"{out}/report/rl.md")


if __name__ == "__main__":
    command.run(main)
