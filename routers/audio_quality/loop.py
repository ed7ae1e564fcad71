"""The training itself: epochs, the choice among them, calibration, threshold, report."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from megaasr import (
    ParameterError,
    SampleKey,
    TrainContext,
    claim_identity,
    fingerprint,
    jsonl_line,
    read_json,
    run_folder,
    write_json,
    write_text,
)

from .batches import Batch, Clips, epoch_of, targets_of
from .files import FILE, TrainedRouter, write_router
from .inference import logits_of, milliseconds_a_clip, probabilities
from .network import Network, NetworkSettings
from .scores import Array, Labels, auc, choose_threshold, fit_temperature, nll, report, routed_edits
from .settings import RouterSettings
from .sources import Example, open_sources
from .training_run import FILE as UNFINISHED
from .training_run import Progress

RUN = "run.json"
"""The identity of the run: configuration, data, recordings, plugins and code."""
REPORT = "report.json"
METRICS = "metrics.jsonl"
CHUNK = 256
"""Dev clips that are in memory together."""


@dataclass(frozen=True)
class Dev:
    """The dev set: targets, edits of base and robust where all rows have them, and which rows are clean."""

    clips: Clips
    target: Labels
    edits: tuple[Array, Array] | None
    clean: np.ndarray[Any, np.dtype[np.bool_]]

    def logits(self, network: Network) -> Array:
        """The network's logits, shape (rows, 2)."""
        router, size = TrainedRouter(network.eval()), len(self.target)
        chunks = [range(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK)]
        return np.concatenate([logits_of(router, [self.clips[row] for row in rows]) for rows in chunks])

    def threshold(self, chances: Array, settings: RouterSettings) -> float:
        """The one of the settings, or the one of fewest edits."""
        if settings.objective == "label" or self.edits is None:
            return settings.threshold
        return choose_threshold(chances, *self.edits, self.clean)

    def score(self, logits: Array, settings: RouterSettings) -> dict[str, float]:
        """The figures that epochs are compared by; `loss` last, for ties."""
        chances = probabilities(logits)
        row = {"auc": auc(chances, self.target), "dev_loss": nll(logits, self.target)}
        if settings.objective == "outcome" and self.edits is not None:
            row["edits"] = routed_edits(chances, *self.edits, self.threshold(chances, settings))
        return row


def train_router(settings: RouterSettings, out: Path, context: TrainContext) -> dict[str, Any]:
    """Train as `RouterTraining.train` says; the folder `out` is locked meanwhile."""
    train = open_sources(settings.training, context.plugins)
    dev = _dev(open_sources(settings.dev, context.plugins), settings)
    targets = targets_of(train, settings, "training")
    configuration = fingerprint(settings.model_dump(mode="json", exclude={"cache_mib"}))
    manifests = [source.manifest or source.plan or Path() for source in (*settings.training, *settings.dev)]
    identity = {"run": configuration, **context.identity(settings, manifests)}
    with run_folder(out):
        claim_identity(
            out / RUN,
            identity,
            other="a run of another configuration",
            foreign=(REPORT, METRICS, FILE, UNFINISHED),
        )
        if (out / REPORT).is_file():
            return read_json(out / REPORT)
        return _train(settings, out, Clips(train, settings.cache_mib), targets, dev)


def _train(
    settings: RouterSettings,
    out: Path,
    clips: Clips,
    targets: tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]],
    dev: Dev,
) -> dict[str, Any]:
    progress = Progress.start(out, lambda: first_network(settings))
    steps = math.ceil(len(clips.examples) / settings.batch_size)
    total = min(settings.epochs * steps, settings.max_steps or math.inf)
    optimiser = optimiser_of(progress.network, settings)
    progress.restore(optimiser)
    while progress.step < total:
        losses = []
        for batch in epoch_of(clips, *targets, settings, progress.epoch):
            if progress.step >= total:
                break
            losses.append(train_step(progress, optimiser, batch, settings, int(total)))
            progress.step += 1
        row = dev.score(dev.logits(progress.network), settings)
        row = {"epoch": progress.epoch, "step": progress.step, "loss": float(np.mean(losses)), **row}
        progress.end_epoch(row, _rank(row), optimiser)
        write_text(out / METRICS, "".join(map(jsonl_line, progress.rows)))
    found = _finish(progress, dev, settings, out)
    write_json(out / REPORT, found)
    progress.forget()
    return found


def _dev(examples: list[Example], settings: RouterSettings) -> Dev:
    target, _ = targets_of(examples, settings, "dev")
    pairs = [(one.base_edits, one.robust_edits) for one in examples]
    known = [(base, robust) for base, robust in pairs if base is not None and robust is not None]
    edits = np.array(known).T if len(known) == len(pairs) else None
    clean = np.array([one.degraded == 0 for one in examples])
    return Dev(Clips(examples, settings.cache_mib), target, None if edits is None else (edits[0], edits[1]), clean)


def first_network(settings: RouterSettings) -> Network:
    """The untrained network, by the seed."""
    sizes = NetworkSettings(
        hidden=settings.hidden,
        heads=settings.heads,
        ffn=settings.ffn,
        layers=settings.layers,
        positions=3200 // settings.downsampling,
        dropout=settings.dropout,
        downsampling=settings.downsampling,
        head=settings.head,
    )
    with torch.random.fork_rng(devices=[]):
        _seed(settings, "initial weights")
        return Network(sizes)


def _seed(settings: RouterSettings, *position: str | int) -> None:
    """Seed torch's own generator, which initialisation and dropout draw from; inside fork_rng only."""
    rng = SampleKey(settings.seed, "router training").rng(*position)
    torch.default_generator.manual_seed(int(rng.integers(2**63)))


def optimiser_of(network: Network, settings: RouterSettings) -> torch.optim.AdamW:
    """AdamW that decays matrices, and neither biases nor normalisations."""
    matrices = [one for one in network.parameters() if one.dim() > 1]
    others = [one for one in network.parameters() if one.dim() <= 1]
    groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, weight_decay=settings.weight_decay)


def train_step(
    progress: Progress, optimiser: torch.optim.AdamW, batch: Batch, settings: RouterSettings, total: int
) -> float:
    """One step of `total`; the loss, in nats."""
    for group in optimiser.param_groups:
        group["lr"] = settings.learning_rate * schedule(progress.step, total, settings.warmup_ratio)
    progress.network.train()
    with torch.random.fork_rng(devices=[]):
        _seed(settings, "dropout", progress.step)
        logits = progress.network(batch.features, batch.frames)
    losses = functional.cross_entropy(logits, batch.targets, reduction="none", label_smoothing=settings.label_smoothing)
    loss = (losses * batch.weights).sum() / batch.weights.sum().clamp(min=1e-6)
    if not math.isfinite(float(loss.detach())):
        raise ParameterError(f"the loss is not finite at step {progress.step}; lower learning_rate")
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(progress.network.parameters(), settings.clip_norm)
    optimiser.step()
    return float(loss.detach())


def schedule(step: int, total: int, warmup_ratio: float) -> float:
    """Factor of the learning rate: a linear warm-up, then half a cosine down to 0."""
    warmup = round(total * warmup_ratio)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(total - warmup, 1)))


def _rank(row: dict[str, Any]) -> tuple[float, float]:
    """Lower is better: edits where they are counted, else AUC; then the loss on dev."""
    return row.get("edits", -row["auc"]), row["dev_loss"]


def _finish(progress: Progress, dev: Dev, settings: RouterSettings, out: Path) -> dict[str, Any]:
    network = copy.deepcopy(progress.network)
    network.load_state_dict(progress.best)
    router = TrainedRouter(network.eval(), objective=settings.objective)
    logits = dev.logits(network)
    temperature = fit_temperature(logits, dev.target)
    threshold = dev.threshold(probabilities(logits, temperature), settings)
    router = replace(router, temperature=temperature, threshold=threshold)
    write_router(out / FILE, router)
    return {
        "weights": str(out / FILE),
        "objective": settings.objective,
        "best_epoch": progress.best_epoch,
        "steps": progress.step,
        "parameters": sum(one.numel() for one in network.parameters()),
        "temperature": temperature,
        "threshold": threshold,
        "dev": report(logits, dev.target, dev.edits, dev.clean, temperature, threshold),
        "milliseconds_a_10_s_clip": milliseconds_a_clip(router),
    }
