"""INTUITOR and the rewards of "No Free Lunch": the published numbers from logits, read by the project's own signals."""

from typing import Any

import pytest
import torch

from tests.rewards.asking_bench import Table, rollouts_of, scores
from workbench.rewards.intuitor import Intuitor
from workbench.rewards.rlif import Rlif
from workbench.signals import SIGNALS, Reading, Source, read
from workbench.types import Problem, Reply

LOGITS = [
    [[2.0, 0, 0, 0], [1.0, 1, 0, 0], [4.0, 0, 0, 0]],
    [[0.0, 0, 0, 0], [1.0, 0, 0, 0], [2.0, 0, 0, 0]],
    [[6.0, 0, 0, 0], [6.0, 0, 0, 0]],
    [[1.0, 0, 0, 0], [0.0, 0, 0, 0], [0.0, 0, 0, 0]],
]
TOKENS = [[0, 1, 0], [2, 0, 0], [0, 0], [0, 3, 1]]
PROBLEM = Problem("p", "Q", "")


def from_logits(question: Any) -> Reply:
    """The signals of the rollout that the prompt's last token names; the prompt is told by the rollout's key."""
    place = question.about[1]
    logits = torch.tensor(LOGITS[place])
    assert list(question.answer) == TOKENS[place]
    names = frozenset(question.signals)
    assert names <= SIGNALS.keys()
    found = read(Source(logits, lambda hidden: hidden), torch.tensor(TOKENS[place]), Reading(names, frozenset(), 1.0))
    return Reply(signals={name: tuple(values.tolist()) for name, values in found.items()})


def values(reward: Any) -> list[float]:
    """The scores of the four rollouts."""
    rollouts = rollouts_of(PROBLEM, "a", "b", "c", "d")
    for rollout, tokens in zip(rollouts, TOKENS, strict=True):
        rollout.tokens = tokens
    return [score.value for score in scores(reward, PROBLEM, rollouts, Table(from_logits))]


def test_self_certainty_as_published() -> None:
    found = torch.tensor(values(Intuitor()))
    assert found.tolist() == pytest.approx([2.1336, 1.5736, 4.5074, 1.4221], abs=1e-4)
    advantage = (found - found.mean()) / (found.std() + 1e-6)
    assert advantage.tolist() == pytest.approx([-0.1925, -0.5835, 1.4653, -0.6893], abs=1e-4)


PUBLISHED = [
    (Rlif(), [-0.8185, -1.1910, -0.0517, -1.3470]),
    (Rlif(read="trajectory"), [-0.4669, -0.8236, -0.0074, -1.1721]),
    (Rlif(read="trajectory", over="sum"), [-1.4007, -2.4707, -0.0148, -3.5163]),
]


@pytest.mark.parametrize(("reward", "wanted"), PUBLISHED, ids=["token", "trajectory", "sum"])
def test_entropy_and_trajectory_as_published(reward: Rlif, wanted: list[float]) -> None:
    assert values(reward) == pytest.approx(wanted, abs=1e-4)
