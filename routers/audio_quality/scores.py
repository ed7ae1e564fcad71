"""Metrics of a router: ranking, calibration, and the word errors that its routes give."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .inference import probabilities

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
NUM_BINS = 15
TEMPERATURES = (0.1, 10.0)


def auc(chances: Array, labels: Labels) -> float:
    """Area under the ROC curve (Mann-Whitney, ties count half); NaN if only one class is present."""
    from scipy.stats import rankdata

    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(chances)
    return float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def nll(logits: Array, labels: Labels, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood, in nats, of the labels under logits (rows, 2) divided by the temperature."""
    margin = (logits[:, 1] - logits[:, 0]) / temperature
    return float(np.mean(np.logaddexp(0.0, np.where(labels == 1, -margin, margin))))


def fit_temperature(logits: Array, labels: Labels) -> float:
    """The temperature that minimises the negative log-likelihood (Guo et al. 2017, section 4.2), 0.1 to 10."""
    from scipy.optimize import minimize_scalar

    low, high = (float(np.log(bound)) for bound in TEMPERATURES)
    best = minimize_scalar(lambda log: nll(logits, labels, float(np.exp(log))), bounds=(low, high), method="bounded")
    temperature = float(np.exp(best.x))
    return temperature if nll(logits, labels, temperature) < nll(logits, labels) else 1.0


def ece(chances: Array, labels: Labels) -> float:
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017, equation 3), of the chosen class."""
    chosen = (chances >= 0.5).astype(np.int64)
    confidence = np.where(chosen == 1, chances, 1.0 - chances)
    bins = np.minimum((confidence * NUM_BINS).astype(np.int64), NUM_BINS - 1)
    gaps = [
        abs(float(np.sum(confidence[bins == number]) - np.sum(chosen[bins == number] == labels[bins == number])))
        for number in range(NUM_BINS)
    ]
    return sum(gaps) / max(len(labels), 1)


def confusion(chances: Array, labels: Labels, threshold: float) -> dict[str, float]:
    """Accuracy, precision, recall and F1 of classifying ``chances >= threshold`` as degraded; 0 if undefined."""
    predicted = chances >= threshold
    hits = int(np.sum(predicted & (labels == 1)))
    precision, recall = hits / max(int(predicted.sum()), 1), hits / max(int(labels.sum()), 1)
    return {
        "accuracy": float(np.mean(predicted == (labels == 1))),
        "precision": precision,
        "recall": recall,
        "f1": 2 * precision * recall / max(precision + recall, 1e-12),
    }


def routed_edits(chances: Array, base: Array, robust: Array, threshold: float) -> float:
    """Total number of edits if clips with ``chances >= threshold`` are routed to the adapter."""
    return float(np.sum(np.where(chances >= threshold, robust, base)))


def choose_threshold(chances: Array, base: Array, robust: Array, clean: npt.NDArray[np.bool_]) -> float:
    """The threshold with fewest edits among those that are not worse than the base on the clean rows.

    On a tie the highest threshold is used. Never routing is always a candidate. Thresholds lie midway between
    neighbouring probabilities; a threshold above every probability is 1, or just above 1.

    Args:
        chances, base, robust: p(degraded) and the edits of both transcripts; shape (rows,).
        clean: mask of rows on which the routed system may not have more edits in total than the base.
    """
    order = np.argsort(-chances, kind="stable")
    gain = np.cumsum((robust - base)[order])
    harm = np.cumsum(np.where(clean, robust - base, 0.0)[order])
    ranked = chances[order]
    never = 1.0 if not len(ranked) or ranked[0] < 1.0 else float(np.nextafter(1.0, 2.0))
    best, least = never, 0.0
    for row in range(len(ranked)):
        below = ranked[row + 1] if row + 1 < len(ranked) else 0.0
        if below == ranked[row] and row + 1 < len(ranked):
            continue  # no threshold separates equal probabilities
        if harm[row] <= 0 and gain[row] < least:
            best, least = float((ranked[row] + below) / 2), float(gain[row])
    return best


def report(
    logits: Array,
    target: Labels,
    edits: tuple[Array, Array] | None,
    clean: npt.NDArray[np.bool_],
    temperature: float,
    threshold: float,
) -> dict[str, Any]:
    """The report on a dev set; `edits` are those of base and robust, or None if some rows lack them.

    Accuracy and similar metrics are against `target`: the class, or whether the robust transcript was better, depending
    on the objective.
    """
    chances = probabilities(logits, temperature)
    to_adapter = int(np.sum(chances >= threshold))
    area = auc(chances, target)
    figures: dict[str, Any] = {
        "rows": len(target),
        **confusion(chances, target, threshold),
        "auc": None if np.isnan(area) else area,
        "ece_before": ece(probabilities(logits), target),
        "ece": ece(chances, target),
        "nll_before": nll(logits, target),
        "nll": nll(logits, target, temperature),
        "routes": {"base": len(target) - to_adapter, "adapter": to_adapter},
    }
    if clean.any():
        figures["clean"] = {"rows": int(clean.sum()), "to_adapter": int(np.sum(chances[clean] >= threshold))}
    if edits is not None:
        figures["edits"] = _edits(chances, *edits, threshold)
        if clean.any():
            figures["clean"]["edits"] = _edits(chances[clean], edits[0][clean], edits[1][clean], threshold)
    return figures


def _edits(chances: Array, base: Array, robust: Array, threshold: float) -> dict[str, float]:
    return {
        "base": float(base.sum()),
        "robust": float(robust.sum()),
        "routed": routed_edits(chances, base, robust, threshold),
        "oracle": float(np.minimum(base, robust).sum()),
    }
