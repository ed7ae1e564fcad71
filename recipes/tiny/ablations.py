"""What each part of the training is worth: the same number of clips without it, or with something else in its place.

    python -m recipes.tiny.ablations OUT

OUT is the recipe's folder after ``make reproduce``. Every variant starts from the base, sees the same number of clips,
is taken at full scale, and is decoded on the same utterances; the table compares each with the base in pairs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from megaasr_core.base.files import write_text

from . import command
from .reproduce import EFFECTS, HERE, Step, both_ways, megaasr, plan, results, run

CLIPS = 640
CURVES = ("linear", "sqrt-forward", "sqrt-backward", "gaussian-mid")
MEASURED = ("plans/ablation_dev", "dev/real.jsonl", "dev/clean.jsonl")
ALL = {"encoder": 5.0e-4, "aligner": 3.0e-4, "llm": 1.0e-4}


@dataclass(frozen=True)
class Variant:
    """One ablation.

    Args:
        name: of its folder; says: what it is, for the table.
        phases: as `train sft` takes them; their clips add up to `CLIPS`.
        plans: folders to learn from, in place of the recipe's labelled clips.
    """

    name: str
    says: str
    phases: list[dict[str, Any]]
    plans: tuple[str, ...] = field(default=())

    def config(self, whole: dict[str, Any]) -> dict[str, Any]:
        """Its configuration, from the recipe's own."""
        sources = [{"manifest": place} for place in self.plans] or whole["training"]
        few = [{**whole["dev"][0], "limit": 20}]  # they only say whether a later phase is kept
        changes = {"training": sources, "dev": few, "phases": self.phases, "runs": 1, "scales": [1.0]}
        return {**whole, **changes, "report_to": []}


def phase(name: str, groups: tuple[str, ...], clips: int = CLIPS, **fields: Any) -> dict[str, Any]:
    """A phase over some groups, with the rank of the recipe's first."""
    rates = {group: ALL[group] for group in groups}
    return {"name": name, "learning_rates": rates, "clips": clips, "rank": 16, "alpha": 32, **fields}


def variants() -> list[Variant]:
    """All of them; the whole curriculum first."""
    sound, words, every = ("encoder", "aligner"), ("llm",), tuple(ALL)
    stages = {"max_wer": [0.3, 0.5, 0.7]}
    after = [phase("words", words, CLIPS // 10, max_wer=[0.7]), phase("joint", every, CLIPS // 5, max_wer=[0.7])]
    first = CLIPS - CLIPS // 10 - CLIPS // 5
    curves = [
        Variant(
            f"curve_{name}".replace("-", "_"),
            f"54 scenarios, severity {name}",
            [phase("all", every)],
            (f"plans/{name}",),
        )
        for name in CURVES
    ]
    return [
        Variant("curriculum", "three phases, by base WER", [phase("sound", sound, first, **stages), *after]),
        Variant("unordered", "three phases, clips in any order", [phase("sound", sound, first, max_wer=[0.7]), *after]),
        Variant("plain", "everything at once", [phase("all", every)]),
        Variant("sound_only", "encoder and aligner only", [phase("sound", sound, **stages)]),
        Variant("words_only", "decoder only", [phase("words", words, max_wer=[0.7])]),
        Variant("clean_only", "clean clips only", [phase("all", every)], ("packs/clean.jsonl",)),
        *curves,
        Variant("seven", "the seven effects, severity linear", [phase("all", every)], ("plans/seven",)),
    ]


def steps(out: Path) -> list[Step]:
    """Plans, training and decoding of every variant; configurations are written on the way."""
    whole = yaml.safe_load((HERE / "sft.yaml").read_text(encoding="utf-8"))
    said = "packs/manifest.jsonl"
    listed = [plan(curve, "all", CLIPS, 21, said, "--severity", curve) for curve in CURVES]
    listed.append(plan("seven", ",".join(EFFECTS), CLIPS, 21, said))
    listed.append(plan("ablation_dev", "all", 108, 22, "dev/clean.jsonl"))
    listed.append(both_ways(MEASURED[0])[0])  # the recipe has decoded the others
    for one in variants():
        config = out / "ablations" / f"{one.name}.yaml"
        config.parent.mkdir(exist_ok=True)
        write_text(config, yaml.safe_dump(one.config(whole), sort_keys=False))
        listed.append(megaasr(f"train {one.name}", "train", "sft", str(config), "-o", f"ablations/{one.name}"))
        adapter = ("--adapter", f"ablations/{one.name}/adapter", "--router", "always_robust", "--batch-size", "64")
        for source in MEASURED:
            stem = Path(source).stem
            found = f"results/{stem}.{one.name}.jsonl"
            listed.append(megaasr(f"{one.name} on {stem}", "eval", source, found, *adapter))
    for source in MEASURED:
        stem = Path(source).stem
        named = [f"{one.name}=results/{stem}.{one.name}.jsonl" for one in variants()]
        written = ("--report", f"ablations/{stem}.md", "--summary", f"ablations/{stem}.json")
        listed.append(megaasr(f"compare {stem}", "compare", results(stem)[0], *named, *written))
    return listed


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Train and measure every ablation."""
    for step in steps(out.resolve()):
        run(step, out, "ablations")  # one variant does not depend on another
    for source in MEASURED:
        command.say(f"{out}/ablations/{Path(source).stem}.md")


if __name__ == "__main__":
    command.run(main)
