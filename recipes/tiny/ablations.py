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

from megaasr import write_text

from . import command
from .reproduce import EFFECTS, HERE, Step, by_adapter, by_base, megaasr, plan, results, run, stem, together

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
        learned_from: plans and manifests, in place of the recipe's own.
    """

    name: str
    says: str
    phases: list[dict[str, Any]]
    learned_from: tuple[str, ...] = field(default=())

    @property
    def is_ordered(self) -> bool:
        """Whether its clips come in stages by the base's WER, so that it learns from labels."""
        return any("max_wer" in one for one in self.phases)

    def sources(self, whole: dict[str, Any]) -> list[dict[str, Any]]:
        """The plans and manifests that it learns from."""
        return [{"manifest": place} for place in self.learned_from] or whole["training"]

    def config(self, whole: dict[str, Any]) -> dict[str, Any]:
        """Its configuration, from the recipe's own."""
        sources = self.sources(whole)
        if self.is_ordered:
            sources = [{**source, "manifest": labels(source["manifest"])} for source in sources]
        few = [{**whole["dev"][0], "limit": 20}]  # they only say whether a later phase is kept
        changes = {"training": sources, "dev": few, "phases": self.phases, "runs": 1, "scales": [1.0]}
        return {**whole, **changes, "report_to": []}


def phase(name: str, groups: tuple[str, ...], clips: int = CLIPS, **fields: Any) -> dict[str, Any]:
    """A phase over some groups, with the rank of the recipe's first."""
    rates = {group: ALL[group] for group in groups}
    return {"name": name, "learning_rates": rates, "clips": clips, "rank": 16, "alpha": 32, **fields}


def variants() -> list[Variant]:
    """All of them; the one that needs the base's WER of every clip last."""
    sound, words, every = ("encoder", "aligner"), ("llm",), tuple(ALL)
    at_once = [phase("all", every)]
    first = CLIPS - CLIPS // 10 - CLIPS // 5
    after = [phase("words", words, CLIPS // 10), phase("joint", every, CLIPS // 5)]
    stages = phase("sound", sound, first, max_wer=[0.3, 0.5, 0.7])
    curves = [
        Variant(f"curve_{name}".replace("-", "_"), f"54 scenarios, severity {name}", at_once, (f"plans/{name}",))
        for name in CURVES
    ]
    return [
        Variant("plain", "everything at once", at_once),
        Variant("words_only", "decoder only", [phase("words", words)]),
        *curves,
        Variant("seven", "the seven effects, severity linear", at_once, ("plans/seven",)),
        Variant("sound_only", "encoder and aligner only", [phase("sound", sound)]),
        Variant("clean_only", "clean clips only", at_once, ("packs/clean.jsonl",)),
        Variant("unordered", "three phases, clips in any order", [phase("sound", sound, first), *after]),
        Variant("curriculum", "three phases, by base WER", [stages, *bounded(after)]),
    ]


def bounded(phases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The phases without the clips that the base gets more than 70 % wrong, as in the paper."""
    return [{**one, "max_wer": [0.7]} for one in phases]


def labels(source: str) -> str:
    """Where what the base hears in every clip of a plan or a manifest is kept."""
    return f"labels/{'_'.join(Path(source).with_suffix('').parts)}.jsonl"


def label(source: dict[str, Any]) -> Step:
    """Label what is learned from of a plan or a manifest."""
    place, few = source["manifest"], ("--limit", str(source["limit"])) if "limit" in source else ()
    return megaasr(f"label {place}", "corpus", "label", place, "-o", labels(place), "--batch-size", "64", *few)


def trained(one: Variant, config: Path) -> list[Step]:
    """Train a variant, and decode what all are measured on."""
    heard = (by_adapter(one.name, source, f"ablations/{one.name}/adapter") for source in MEASURED)
    return [
        megaasr(f"train {one.name}", "train", "sft", str(config), "-o", f"ablations/{one.name}"),
        together(f"measure {one.name}", *heard),
    ]


def steps(out: Path) -> list[Step]:
    """Plans, training and decoding of every variant; configurations are written on the way."""
    whole = yaml.safe_load((HERE / "sft.yaml").read_text(encoding="utf-8"))
    said = "packs/manifest.jsonl"
    listed = [plan(curve, "all", CLIPS, 21, said, "--severity", curve) for curve in CURVES]
    listed.append(plan("seven", ",".join(EFFECTS), CLIPS, 21, said))
    listed.append(plan("ablation_dev", "all", 108, 22, "dev/clean.jsonl"))
    listed.append(by_base(MEASURED[0]))  # the recipe has decoded the others
    for one in variants():
        config = out / "ablations" / f"{one.name}.yaml"
        config.parent.mkdir(exist_ok=True)
        write_text(config, yaml.safe_dump(one.config(whole), sort_keys=False))
        if one.is_ordered:
            listed.append(together("label", *map(label, one.sources(whole))))
        listed += trained(one, config)
    for source in MEASURED:
        name = stem(source)
        named = [f"{one.name}=results/{name}.{one.name}.jsonl" for one in variants()]
        written = ("--report", f"ablations/{name}.md", "--summary", f"ablations/{name}.json")
        listed.append(megaasr(f"compare {name}", "compare", results(name)[0], *named, *written))
    return listed


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Train and measure every ablation."""
    (out / "labels").mkdir(exist_ok=True)
    for step in steps(out.resolve()):
        run(step, out, "ablations")  # one variant does not depend on another
    for source in MEASURED:
        command.say(f"{out}/ablations/{Path(source).stem}.md")


if __name__ == "__main__":
    command.run(main)
