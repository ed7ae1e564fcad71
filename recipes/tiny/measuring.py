"""Steps that decode sets of clips by base and adapter, route the results, and compare all systems in tables."""

from __future__ import annotations

from pathlib import Path

from .running import Step, megaasr, recipe, together

CLUSTER = ("--cluster", "cluster")
"""Rows with the same value of this field depend on each other: the clips of a speaker, or those of a sentence."""
OURS = "routed"
"""The system that ships, whose differences to every other system are reported."""
WEIGHTS, FITTED = "router/audio_quality.safetensors", "router/expected_errors.json"
OPINION = "router/second_opinion.json"
"""The fitted weights with the settings of second_opinion that leave the fewest errors on the part choose."""
ROUTERS = {"by_sound": ("audio_quality",), OURS: ("second_opinion", "--opinion", OPINION)}
"""Routers to evaluate, by the name of their results: the name and more options of `recipes.tiny.routed`."""
BASELINES = ("plain", "collapsed", "faster_whisper")
"""Baselines beside the base as megaasr decodes it: greedy in the window of 30 s, that with loops collapsed, and
faster-whisper's defaults; see `recipes.tiny.baselines`."""
PLAIN = ("--decode", "num_beams=1", "--backend-set", "short_window_s=30", "--backend-set", "timestamps_from_s=30")
SYSTEMS = (*BASELINES, "robust", *ROUTERS)
"""Systems that every table compares with the base, by their results: ``results/SET.SYSTEM.jsonl``."""


def compared(source: str, *by: str) -> list[Step]:
    """The steps that route a decoded source by each router, decode it by the baselines, and compare all systems."""
    name, (base, robust) = stem(source), results(stem(source))
    decoded = (source, base, robust, "--weights", WEIGHTS)
    return [
        *(
            recipe(f"routed {name} by {router[0]}", *decoded, "--router", *router, "--out", result(name, system))
            for system, router in ROUTERS.items()
        ),
        together(
            f"baselines {name}",
            by_base(source, "plain", *PLAIN),
            recipe("baselines", source, "--out", "results"),
        ),
        recipe(f"baselines {name} collapsed", source, "--out", "results", "--no-decode",
               "--collapse", result(name, "plain")),
        table(name, *by),
    ]  # fmt: skip


def one_family(family: str, *by: str) -> list[Step]:
    """The steps that make a table and curves of one family of the report."""
    rows = [
        recipe(f"only {family} {system}", result("report", system), "--where", f"family={family}",
               "--out", result(family, system))
        for system in ("base", *SYSTEMS)
    ]  # fmt: skip
    return [*rows, table(family, *by, curves=True)]


def table(name: str, *by: str, curves: bool = False) -> Step:
    """The step that compares the results of all systems on the same clips, slice by slice."""
    fields = [part for field in by for part in ("--by", field)]
    systems = [f"{system}={result(name, system)}" for system in SYSTEMS]
    written = ["--report", f"report/{name}.md", "--summary", f"report/{name}.json"]
    written += ["--curves", f"report/{name}.png"] if curves else []
    against = [word for baseline in ("base", *BASELINES) for word in ("--baseline", baseline)]
    options = ("--oracle", "robust", "--ours", OURS, *against, *CLUSTER, *fields, *written)
    return megaasr(f"compare {name}", "compare", result(name, "base"), *systems, *options)


def judged(name: str) -> Step:
    """The step that writes the verdict of the guard on each family, against the base and each baseline."""
    others = [f"{system}={result(name, system)}" for system in ("base", *BASELINES)]
    options = [word for other in others for word in ("--against", other)]
    return recipe(f"verdicts {name}", result(name, OURS), *options, "--out", f"report/verdicts_{name}.md")


def stem(source: str) -> str:
    """The name of the results of a manifest or a plan: the last part of its path, without suffix."""
    return Path(source).stem


def result(name: str, system: str) -> str:
    """The path of the results of a system."""
    return f"results/{name}.{system}.jsonl"


def results(name: str) -> tuple[str, str]:
    """The paths of the results of the base and of the adapter."""
    return result(name, "base"), result(name, "robust")


def both_ways(source: str) -> Step:
    """The step that decodes a source by the base and by the adapter."""
    return together(f"both ways {stem(source)}", by_base(source), by_adapter("robust", source, "sft/adapter"))


def by_base(source: str, system: str = "base", *options: str) -> Step:
    """The step that decodes a source by the base; the results carry the name of the system."""
    name, how = stem(source), ("--router", "always_base", "--batch-size", "64")
    return megaasr(f"{system} on {name}", "eval", source, result(name, system), *how, *options)


def by_adapter(system: str, source: str, adapter: str, *options: str) -> Step:
    """The step that decodes a source by an adapter; the results carry the name of the system."""
    name, how = stem(source), ("--adapter", adapter, "--router", "always_robust", "--batch-size", "64")
    return megaasr(f"{system} on {name}", "eval", source, result(name, system), *how, *options)
