"""The loss of GRPO, DAPO, Dr. GRPO and RLOO: known answers, finite differences, and a toy policy that climbs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from megaasr_plugins.training.rl.algorithms import advantages, token_weights
from megaasr_plugins.training.rl.policy_loss import Clipping, policy_loss

ALGORITHMS = ("grpo", "dapo", "dr_grpo", "rloo")
CLIPPING = Clipping(0.2, 0.28, 0.04)


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [("grpo", [1.0, -1.0]), ("dapo", [1.0, -1.0]), ("dr_grpo", [0.25, -0.25]), ("rloo", [0.5, -0.5])],
)
def test_the_advantage_of_two_rollouts(algorithm, expected):
    assert advantages(algorithm, [0.75, 0.25]) == pytest.approx(expected, abs=1e-5)
    assert advantages(algorithm, [0.5, 0.5]) == [0.0, 0.0]
    assert advantages(algorithm, [0.75, None, 0.25])[1] == 0.0
    assert advantages(algorithm, [0.75, None]) == [0.0, 0.0]


def test_the_weights_of_tokens():
    lengths = [3, 0, 1]
    assert token_weights("grpo", lengths, 8) == pytest.approx([1 / 6, 0.0, 1 / 2])
    assert token_weights("dapo", lengths, 8) == pytest.approx([1 / 4, 0.0, 1 / 4])
    assert token_weights("dr_grpo", lengths, 8) == pytest.approx([1 / 16, 0.0, 1 / 16])
    assert token_weights("rloo", lengths, 8) == pytest.approx([1 / 2, 0.0, 1 / 2])
    assert token_weights("dapo", [0, 0], 8) == [0.0, 0.0]


def stated_loss(algorithm, logprobs, old, start, rewards, clipping, longest):
    """The formula of `policy_loss` in plain numbers, token by token."""
    lengths = [len(one) for one in logprobs]
    mean, std = np.mean(rewards), np.std(rewards)
    total = 0.0
    for row, length in enumerate(lengths):
        gain = rewards[row] - mean
        gain *= {"grpo": 1 / (std + 1e-6), "dapo": 1 / (std + 1e-6), "dr_grpo": 1.0}.get(
            algorithm, len(rewards) / (len(rewards) - 1)
        )
        weight = {
            "grpo": 1 / (len(lengths) * length),
            "dapo": 1 / sum(lengths),
            "dr_grpo": 1 / (len(lengths) * longest),
            "rloo": 1 / len(lengths),
        }[algorithm]
        for place in range(length):
            ratio = math.exp(logprobs[row][place] - old[row][place])
            bounded = min(max(ratio, 1 - clipping.low), 1 + clipping.high)
            distance = start[row][place] - logprobs[row][place]
            divergence = math.exp(distance) - distance - 1
            total += weight * (-min(ratio * gain, bounded * gain) + clipping.beta * divergence)
    return total


def rollouts_of(logits, tokens):
    """Log-probabilities of rollouts of a model with two tokens: a row of logits for the place in the rollout."""
    logprobs = logits.log_softmax(-1)
    return [logprobs[range(len(row)), row] for row in tokens]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_gradient_is_that_of_the_stated_loss(algorithm):
    """Of a model of two tokens, against central differences; some ratios are beyond their bounds on both sides."""
    rng = np.random.default_rng(3)
    tokens = [[0, 1, 1], [1], [0, 0], [1, 0, 1]]
    rewards = [1.0, 0.2, -0.5, 0.4]
    logits = torch.tensor(rng.normal(size=(3, 2)), requires_grad=True)
    old = [
        torch.tensor(one.detach().numpy() + rng.normal(scale=0.3, size=len(one))) for one in rollouts_of(logits, tokens)
    ]
    start = [
        torch.tensor(one.detach().numpy() + rng.normal(scale=0.3, size=len(one))) for one in rollouts_of(logits, tokens)
    ]
    gains = advantages(algorithm, rewards)
    weights = token_weights(algorithm, [len(row) for row in tokens], 5)
    loss = policy_loss(rollouts_of(logits, tokens), old, start, gains, weights, CLIPPING)
    loss.value.backward()
    assert loss.clipped_low + loss.clipped_high > 0

    def value(changed):
        logprobs = [one.tolist() for one in rollouts_of(torch.tensor(changed), tokens)]
        known = [[one.tolist() for one in of] for of in (old, start)]
        return stated_loss(algorithm, logprobs, *known, rewards, CLIPPING, 5)

    here = logits.detach().numpy()
    assert float(loss.value.detach()) == pytest.approx(value(here), abs=1e-9)
    for place in np.ndindex(here.shape):
        step = np.zeros_like(here)
        step[place] = 1e-6
        slope = (value(here + step) - value(here - step)) / 2e-6
        assert float(logits.grad[place]) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_policy_climbs_to_its_optimum(algorithm):
    """The reward is the share of ones; the best policy says one at each of three places."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.zeros(3, 2, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.05)
    for _ in range(150):
        with torch.no_grad():
            drawn = torch.multinomial(logits.softmax(-1), 8, replacement=True, generator=generator).T.tolist()
            old = rollouts_of(logits, drawn)
        gains = advantages(algorithm, [sum(row) / 3 for row in drawn])
        weights = token_weights(algorithm, [3] * 8, 3)
        for _ in range(2):
            optimizer.zero_grad()
            policy_loss(rollouts_of(logits, drawn), old, None, gains, weights, CLIPPING).value.backward()
            optimizer.step()
    assert float(logits.detach().softmax(-1)[:, 1].min()) > 0.95


def test_the_divergence_holds_a_policy_back():
    """With a large weight of the divergence, the same rewards move the policy less."""
    moved = []
    for beta in (0.0, 5.0):
        logits = torch.zeros(1, 2, requires_grad=True)
        start = [one.detach() for one in rollouts_of(logits, [[1], [0]])]
        optimizer = torch.optim.SGD([logits], lr=0.5)
        for _ in range(20):
            optimizer.zero_grad()
            now = rollouts_of(logits, [[1], [0]])
            old = [one.detach() for one in now]
            weights = token_weights("grpo", [1, 1], 1)
            clipping = Clipping(0.2, 0.28, beta)
            policy_loss(now, old, start, [1.0, -1.0], weights, clipping).value.backward()
            optimizer.step()
        moved.append(float(logits.detach().softmax(-1)[0, 1]) - 0.5)
    assert moved[0] > 2 * moved[1] > 0


def test_rollouts_that_do_not_count_have_no_gradient():
    logits = torch.zeros(2, 2, requires_grad=True)
    now = rollouts_of(logits, [[0, 1], [1, 1]])
    loss = policy_loss(now, [one.detach() for one in now], None, [1.0, -1.0], [0.0, 0.0], CLIPPING)
    loss.value.backward()
    assert (loss.tokens, float(logits.grad.abs().sum())) == (0, 0.0)
