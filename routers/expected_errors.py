"""Which of two transcripts of an utterance has fewer errors: a logistic regression on text and log-probability."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from megaasr import AdapterError, ManifestError, Transcript, first_fault, loop_tokens, one_line, parse_json

FEATURES = ("bias", "surer", "sure", "longer", "longer_where_unsure", "rate_adapter", "rate_base")
"""See `features`."""
SURE_LOGPROB = -0.6
"""Mean log-probability a token, in nats, at which the features ``sure`` and ``longer_where_unsure`` are 0."""
SURE_LOGPROB_FROM = -0.8
"""Mean log-probability a token from which on a transcript counts as sure, where nothing else was chosen."""
SPEECH_RATE_HZ = 2.5
"""Words a second of usual speech, at which the features of the rates are 0."""
MOST_SAVED = 10
"""Largest weight of an example, in errors: a few long utterances do not decide alone."""
PENALTY = 1.0
"""Half the inverse variance of the weights, the bias excepted."""

Floats = npt.NDArray[np.float64]


class _File(BaseModel):
    """The file of the weights."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    version: Literal[2]
    features: list[str]
    weights: list[float]
    examples: int = Field(ge=0)
    threshold: float | None = Field(None, ge=0.0, le=1.0)
    sure_logprob: float = Field(SURE_LOGPROB_FROM, le=0.0)

    @model_validator(mode="after")
    def _fits(self) -> _File:
        if tuple(self.features) != FEATURES or len(self.weights) != len(FEATURES):
            raise ValueError(
                f"{len(self.weights)} weights of {', '.join(self.features)}; expected {', '.join(FEATURES)}"
            )
        return self


@dataclass(frozen=True)
class ExpectedErrors:
    """The weights of the regression, and the settings of second_opinion that were chosen with them.

    Args:
        weights: one for each of `FEATURES`.
        examples: number of utterances that they were fitted to, for readers.
        threshold: p(degraded) from which on the adapter listens first; None: that of the router file.
        sure_logprob: mean log-probability a token, in nats, from which on the first transcript is kept.
    """

    weights: tuple[float, ...]
    examples: int = 0
    threshold: float | None = None
    sure_logprob: float = SURE_LOGPROB_FROM

    def p_adapter(self, adapter: Transcript, base: Transcript, duration_s: float) -> float:
        """Probability that the adapter's transcript has fewer errors than the base's, each error counted; 0 to 1.

        0.5 where one of both says nothing of its log-probability.
        """
        found = features(adapter, base, duration_s)
        if found is None:
            return 0.5
        return 1.0 / (1.0 + math.exp(-max(-700.0, float(np.dot(self.weights, found)))))


def features(adapter: Transcript, base: Transcript, duration_s: float) -> Floats | None:
    """What the regression knows of two transcripts, shape (7,); None without the log-probability of each.

    Log-probabilities are means over the tokens in nats, lengths are words (characters in languages without spaces):
    bias, difference of the log-probabilities (adapter - base), their mean, logarithm of the ratio of the lengths, the
    product of the last two, and the words a second of each.
    """
    if adapter.mean_logprob is None or base.mean_logprob is None:
        return None
    lengths = [len(loop_tokens(heard.text, heard.language)) for heard in (adapter, base)]
    longer = math.log((lengths[0] + 1) / (lengths[1] + 1))
    sure = (adapter.mean_logprob + base.mean_logprob) / 2.0 - SURE_LOGPROB
    rates = [length / max(duration_s, 0.1) / SPEECH_RATE_HZ - 1.0 for length in lengths]
    return np.array([1.0, adapter.mean_logprob - base.mean_logprob, sure, longer, sure * longer, *rates])


def fit(examples: Sequence[Floats], saved: Sequence[float]) -> ExpectedErrors:
    """Fit the weights to utterances whose references are known.

    An utterance counts as often as its transcripts differ in errors, so that the expected number of errors is what is
    minimised; one with as many errors in both counts for nothing.

    Args:
        examples: the `features` of each utterance.
        saved: errors of the base's transcript - errors of the adapter's.

    Raises:
        ValueError: no utterance has different numbers of errors.
    """
    from scipy.optimize import minimize

    difference = np.asarray(saved, np.float64)
    telling = difference != 0
    if not telling.any():
        raise ValueError("no utterance has different numbers of errors")
    x, sign = np.asarray(examples, np.float64)[telling], np.sign(difference[telling])
    weight = np.minimum(np.abs(difference[telling]), MOST_SAVED)

    def loss(weights: Floats) -> tuple[float, Floats]:
        margin = sign * (x @ weights)
        slope = -(x * (weight * sign / (1.0 + np.exp(np.clip(margin, -700, 700))))[:, None]).sum(0)
        penalty = np.append(0.0, weights[1:])
        return float(
            (weight * np.logaddexp(0.0, -margin)).sum() + PENALTY * penalty @ penalty
        ), slope + 2 * PENALTY * penalty

    found = minimize(loss, np.zeros(len(FEATURES)), jac=True)
    return ExpectedErrors(tuple(float(one) for one in found.x), int(telling.sum()))


def to_json(model: ExpectedErrors) -> dict[str, object]:
    """The content of the file of the weights."""
    rounded = [round(weight, 4) for weight in model.weights]
    settings = {"threshold": model.threshold, "sure_logprob": model.sure_logprob}
    return {"version": 2, "features": list(FEATURES), "weights": rounded, "examples": model.examples, **settings}


def read_expected_errors(path: Path) -> ExpectedErrors:
    """The weights in a file; AdapterError when it cannot be read or holds something else."""
    try:
        found = _File.model_validate(parse_json(path.read_bytes(), str(path)))
    except OSError as error:
        raise AdapterError(f"{path}: {one_line(error)}") from error
    except ManifestError as error:
        raise AdapterError(str(error)) from error
    except ValidationError as error:
        raise AdapterError(f"{path}: no weights of second_opinion: {first_fault(error)}") from error
    return ExpectedErrors(tuple(found.weights), found.examples, found.threshold, found.sure_logprob)
