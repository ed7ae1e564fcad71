"""Ablations of reward and algorithm, all from the same adapter, on the same clips, with the same number of steps.

    python -m recipes.tiny.rl_ablations OUT --variant full --variant grpo_wer --seeds 3

OUT is the recipe's folder after `recipes.tiny.reinforce`. The last checkpoint of each training decodes a part of the
clips of the part choose; the table compares each variant with the adapter that all of them started with, seed by seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from megaasr import ParameterError, unknown_name, write_text

from . import command
from .measuring import CLUSTER, by_adapter, result
from .reinforce import data
from .running import Step, finished, megaasr, recipe, run, together

STEPS, CLIPS_EACH = 30, 40
"""Steps of each training, and clips of each family that are decoded."""
STATIC = {"name": "wer_accuracy", "settings": {"floor": 0.0}}
REPEATS = {"gate": "anti_repetition"}


def dynamic(name: str, **settings: float) -> dict[str, Any]:
    """A dynamic part with the paper's weight."""
    return {"name": name, "weight": 0.6, "settings": settings}


def rewards(*dynamic_parts: dict[str, Any], gated: bool = True) -> dict[str, Any]:
    """The paper's static part with the dynamic parts.

    Args:
        gated: whether R_rep multiplies R_wer.
    """
    static = {**STATIC, "weight": 0.4, **(REPEATS if gated else {})}
    return {"terms": [static, *dynamic_parts]}


FULL = rewards(dynamic("dual_granularity"))
VARIANTS: dict[str, dict[str, Any]] = {
    "full": {"reward": FULL},
    "grpo_wer": {"reward": {"terms": [STATIC]}, "algorithm": "grpo", "clip_high": 0.2},
    "dapo_wer": {"reward": {"terms": [STATIC]}},
    "invention": {"reward": {"terms": [*FULL["terms"], {"name": "invention", "weight": 0.3}]}},
    "without_rep": {"reward": rewards(dynamic("dual_granularity"), gated=False)},
    "without_fine": {"reward": rewards(dynamic("sentence_reconstruction"))},
    "without_struc": {"reward": rewards(dynamic("token_refinement"))},
    "without_gate": {
        "reward": rewards(*({"name": name, "weight": 0.3} for name in ("token_refinement", "sentence_reconstruction")))
    },
    **{f"tau_0_{tenths}": {"reward": rewards(dynamic("dual_granularity", tau=tenths / 10))} for tenths in (2, 4, 5)},
    "dr_grpo": {"reward": FULL, "algorithm": "dr_grpo"},
    "rloo": {"reward": FULL, "algorithm": "rloo"},
}
"""Changes of rl.yaml; `full` has tau = 0.3."""


def config(own: dict[str, Any], variant: str, seed: int) -> dict[str, Any]:
    """The configuration of one training: one dev set of few clips, and the last step alone as a candidate."""
    dev = [{**own["dev"][0], "limit": 8}]
    changes = {"dev": dev, "steps": STEPS, "save_steps": STEPS, "seed": seed, "report_to": [], "tolerance": 1.0}
    return {**own, **changes, **VARIANTS[variant]}


def name_of(variant: str, seed: int) -> str:
    """The name of a training."""
    return f"rl_{variant}_{seed}"


def steps(out: Path, variants: list[str], seeds: int) -> list[Step]:
    """The steps that train and decode every variant with every seed; writes the configurations."""
    own = yaml.safe_load((out / "rl.yaml").read_text(encoding="utf-8"))
    listed = [
        recipe("join_manifests rl_choose", "choose.jsonl", "--out", "rl_choose.jsonl", "--most", str(CLIPS_EACH)),
        by_adapter("start", "rl_choose.jsonl", "sft/adapter", "--decode", "num_beams=1"),
    ]
    for variant in variants:
        trained, decoded = [], []
        for seed in range(seeds):
            name = name_of(variant, seed)
            written = out / "rl_ablations" / f"{name}.yaml"
            write_text(written, yaml.safe_dump(config(own, variant, seed), sort_keys=False))
            trained.append(megaasr(f"train {name}", "train", "rl", str(written), "-o", f"rl_ablations/{name}"))
            adapter = f"rl_ablations/{name}/last"
            decoded.append(by_adapter(name, "rl_choose.jsonl", adapter, "--decode", "num_beams=1"))
        listed += [together(f"train {variant}", *trained), together(f"decode {variant}", *decoded)]
    names = [name_of(variant, seed) for variant in variants for seed in range(seeds)]
    systems = [f"{name}={result('rl_choose', name)}" for name in names]
    written = ("--report", "rl_ablations/table.md", "--summary", "rl_ablations/table.json")
    compared = ("compare", result("rl_choose", "start"), *systems, "--by", "family", *CLUSTER, *written)
    return [*listed, megaasr("compare rl_ablations", *compared)]


def main(
    out: Annotated[Path, typer.Argument(help="The recipe's folder.")],
    variant: Annotated[list[str] | None, typer.Option(help="Variant to train; all if not given. Repeatable.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 3,
) -> None:
    """Train and measure the variants."""
    chosen = variant or list(VARIANTS)
    for name in chosen:
        if name not in VARIANTS:
            raise unknown_name("variant", name, VARIANTS)
    if not (out / "rl.yaml").is_file():
        raise ParameterError(f"{out}: holds no rl.yaml; run recipes.tiny.reinforce first")
    (out / "rl_ablations").mkdir(exist_ok=True)
    before = finished(out)
    for step in data():
        before = run(step, out, before)
    for step in steps(out.resolve(), chosen, seeds):
        run(step, out, before)  # variants do not depend on each other
    command.say(f"{out}/rl_ablations/table.md")


if __name__ == "__main__":
    command.run(main)
