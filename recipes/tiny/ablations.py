"""Ablations of the adapter's training: each variant changes one part and trains on the same number of clips.

    python -m recipes.tiny.ablations OUT

OUT is the recipe's folder after ``make reproduce``. Every variant starts from the base, sees the same number of clips,
is applied at full scale and decodes the same utterances; the table compares each with the base, utterance by utterance.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from megaasr import write_text

from . import command
from .measuring import CLUSTER, by_adapter, by_base, result
from .reproduce import plan
from .running import Step, finished, megaasr, recipe, run, together

CLIPS = 640
CURVES = ("linear", "sqrt-forward", "sqrt-backward", "gaussian-mid")
EFFECTS = ("noise", "far_field", "obstructed", "echo_reverb", "recording", "distortion", "dropout")
MEASURED = ("noizeus", "everyday", "commonvoice")
"""Families of the part choose that every variant decodes, beside simulated clips."""
ALL = {"encoder": 5.0e-4, "aligner": 3.0e-4, "llm": 1.0e-4}


@dataclass(frozen=True)
class Variant:
    """One ablation.

    Args:
        name: name of its folder.
        description: what the variant changes, in a few words.
        phases: phases in the form that `train sft` takes; their clips add up to `CLIPS`.
        learned_from: plans and manifests that replace the training data of the recipe.
    """

    name: str
    description: str
    phases: list[dict[str, Any]]
    learned_from: tuple[str, ...] = field(default=())

    @property
    def is_ordered(self) -> bool:
        """Whether a phase selects clips by the base's WER, which needs labelled manifests."""
        return any("max_wer" in fields for fields in self.phases)

    def sources(self, recipe_config: dict[str, Any]) -> list[dict[str, Any]]:
        """The plans and manifests that the variant is trained on."""
        return [{"manifest": path} for path in self.learned_from] or recipe_config["training"]

    def config(self, recipe_config: dict[str, Any]) -> dict[str, Any]:
        """The configuration of the variant, derived from the configuration of the recipe."""
        sources = self.sources(recipe_config)
        if self.is_ordered:
            sources = [{**source, "manifest": labels(source["manifest"])} for source in sources]
        simulated = next(fields for fields in recipe_config["dev"] if fields["name"] == "simulated")
        dev = [{**simulated, "limit": 20}]  # only decides whether a later phase is kept
        changes = {"training": sources, "dev": dev, "phases": self.phases, "runs": 1, "scales": [1.0]}
        return {**recipe_config, **changes, "report_to": []}


def phase(name: str, groups: tuple[str, ...], clips: int = CLIPS, **fields: Any) -> dict[str, Any]:
    """A phase that trains some parameter groups, with the rank of the recipe's first phase."""
    rates = {group: ALL[group] for group in groups}
    return {"name": name, "learning_rates": rates, "clips": clips, "rank": 16, "alpha": 32, **fields}


def variants() -> list[Variant]:
    """All variants; the last one needs the base's WER of every clip."""
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
    return [{**fields, "max_wer": [0.7]} for fields in phases]


def labels(source: str) -> str:
    """The path of the labelled manifest (with the base's WER of every clip) of a plan or a manifest."""
    return f"labels/{'_'.join(Path(source).with_suffix('').parts)}.jsonl"


def label(source: dict[str, Any]) -> Step:
    """The step that labels the rows of a plan or a manifest that are trained on."""
    path, limit = source["manifest"], ("--limit", str(source["limit"])) if "limit" in source else ()
    return megaasr(f"label {path}", "corpus", "label", path, "-o", labels(path), "--batch-size", "64", *limit)


def trained(variant: Variant, config: Path) -> list[Step]:
    """The steps that train a variant and decode the clips with it."""
    return [
        megaasr(f"train {variant.name}", "train", "sft", str(config), "-o", f"ablations/{variant.name}"),
        by_adapter(variant.name, "ablation.jsonl", f"ablations/{variant.name}/adapter"),
    ]


def steps(out: Path) -> list[Step]:
    """The steps that plan, train and decode every variant; writes the configuration of each variant."""
    recipe_config = yaml.safe_load((out / "sft.yaml").read_text(encoding="utf-8"))
    speech = "packs/manifest.jsonl"
    families = [f"parts/choose/{family}.jsonl" for family in MEASURED]
    listed = [plan(curve, "all", CLIPS, 21, speech, "--severity", curve) for curve in CURVES]
    listed.append(plan("seven", ",".join(EFFECTS), CLIPS, 21, speech))
    listed.append(plan("ablation", "all", 108, 22, "sources/choose.jsonl"))
    listed.append(recipe("join_manifests ablation", *families, "plans/ablation", "--out", "ablation.jsonl"))
    listed.append(by_base("ablation.jsonl"))
    for variant in variants():
        config = out / "ablations" / f"{variant.name}.yaml"
        config.parent.mkdir(exist_ok=True)
        write_text(config, yaml.safe_dump(variant.config(recipe_config), sort_keys=False))
        if variant.is_ordered:
            listed.append(together("label", *map(label, variant.sources(recipe_config))))
        listed += trained(variant, config)
    systems = [f"{variant.name}={result('ablation', variant.name)}" for variant in variants()]
    written = ("--report", "ablations/ablations.md", "--summary", "ablations/ablations.json")
    compared = ("compare", result("ablation", "base"), *systems, "--by", "family", *CLUSTER, *written)
    listed.append(megaasr("compare ablations", *compared))
    return listed


def main(out: Annotated[Path, typer.Argument(help="The recipe's folder.")]) -> None:
    """Train and measure every ablation."""
    (out / "labels").mkdir(exist_ok=True)
    before = finished(out)
    for step in steps(out.resolve()):
        run(step, out, before)  # variants do not depend on each other
    command.say(f"{out}/ablations/ablations.md")


if __name__ == "__main__":
    command.run(main)
