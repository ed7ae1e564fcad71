"""The learning curve: the adapter's errors against the hours of human speech, and what the next doubling would give.

    python -m recipes.tiny.hours OUT

OUT is the recipe's folder after ``make reproduce``. Each training has one phase and the same number of clips, from the
speech of a share of the speakers; a larger share holds the smaller ones. The part choose measures it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
import yaml

from megaasr import read_jsonl, write_json, write_text

from . import command, dataset_files
from .measuring import by_adapter, result, results
from .mixtures import open_mixture, training_sources
from .opinions import ratios
from .pack_speech import is_synthetic, of_speakers
from .reproduce import CLEAN, draw
from .running import Step, finished, megaasr, run, together

SHARES = (0.25, 0.5, 1.0)
"""Shares of the human speakers."""
CLIPS = 1_500
"""Number of clean clips of each draw."""
SEEDS = (0, 1)
SCALE = 0.75


def name_of(share: float, seed: int) -> str:
    """The name of a training: its share in percent, and its seed."""
    return f"hours_{share * 100:g}_{seed}".replace(".", "_")


def config(recipe_config: dict[str, Any], share: float, seed: int) -> dict[str, Any]:
    """The configuration of one training: the recipe's first phase, on the draw of a share of the speakers."""
    sources = training_sources(open_mixture("mild"), CLIPS, [f"{share * 100:g}"])
    simulated = next(fields for fields in recipe_config["dev"] if fields["name"] == "simulated")
    changes = {"training": sources, "dev": [{**simulated, "limit": 20}], "phases": recipe_config["phases"][:1]}
    return {**recipe_config, **changes, "runs": 1, "seed": seed, "scales": [SCALE], "report_to": []}


def steps(out: Path) -> list[Step]:
    """The steps that draw, train and decode for each share; writes the configurations."""
    recipe_config = yaml.safe_load((out / "sft.yaml").read_text(encoding="utf-8"))
    (out / "hours").mkdir(exist_ok=True)
    listed = []
    for number, share in enumerate(SHARES):
        options = ("--speakers", f"{share:g}")
        listed += draw(40 + number, CLIPS, open_mixture("mild"), f"{share * 100:g}", *options)
        trained, decoded = [], []
        for seed in SEEDS:
            name = name_of(share, seed)
            written = out / "hours" / f"{name}.yaml"
            write_text(written, yaml.safe_dump(config(recipe_config, share, seed), sort_keys=False))
            trained.append(megaasr(f"train {name}", "train", "sft", str(written), "-o", f"hours/{name}"))
            decoded.append(by_adapter(name, "choose.jsonl", f"hours/{name}/adapter"))
        listed += [together(f"train {share:g}", *trained), together(f"decode {share:g}", *decoded)]
    return listed


def measured(out: Path) -> list[dict[str, Any]]:
    """Hours and speakers of each share, and errors / the base's errors in each family, the mean of the seeds."""
    rows, base = dataset_files.read_rows(out / CLEAN), read_jsonl(out / results("choose")[0])
    points = []
    for share in SHARES:
        human = [row for row in of_speakers(rows, share) if not is_synthetic(row)]
        of_seeds = [ratios(read_jsonl(out / result("choose", name_of(share, seed))), base) for seed in SEEDS]
        families = {family: float(np.mean([one[family] for one in of_seeds])) for family in of_seeds[0]}
        points.append(
            {
                "hours": sum(row["duration_s"] for row in human) / 3600,
                "speakers": len({row["speaker"] for row in human}),
                "families": families,
                "mean": float(np.mean(list(families.values()))),
                "spread": float(np.ptp([np.mean(list(one.values())) for one in of_seeds])),
            }
        )
    return points


def doubling(points: list[dict[str, Any]], family: str = "") -> float:
    """Change of the ratio with each doubling of the hours: the slope of the line of least squares.

    Args:
        points: as `measured` returns them.
        family: the family; empty: the mean of all.
    """
    heights = [point["families"][family] if family else point["mean"] for point in points]
    return float(np.polyfit([math.log2(point["hours"]) for point in points], heights, 1)[0])


def table(points: list[dict[str, Any]]) -> str:
    """The curve as a Markdown table, with the slope of each column."""
    families = list(points[0]["families"])
    heads = ["hours", "speakers", "mean", "spread of seeds", *families]
    lines = [
        [f"{point['hours']:.2f}", str(point["speakers"])]
        + [f"{figure:.3f}" for figure in (point["mean"], point["spread"], *point["families"].values())]
        for point in points
    ]
    slopes = [
        "each doubling",
        "",
        f"{doubling(points):+.3f}",
        "",
        *(f"{doubling(points, one):+.3f}" for one in families),
    ]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [heads, ["---"] * len(heads), *lines, slopes])


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Train on each share of the speakers and write OUT/report/hours.md and hours.json."""
    before = finished(out)
    for step in steps(out.resolve()):
        run(step, out, before)  # the shares do not depend on each other
    points = measured(out)
    write_json(out / "report" / "hours.json", points)
    write_text(out / "report" / "hours.md", table(points))
    command.say(table(points))


if __name__ == "__main__":
    command.run(main)
