"""Rollouts and groups for the tests of rewards."""

import os
from pathlib import Path

import pytest

from workbench.kinds import Reward
from workbench.types import Finish, Group, Problem, Request, Rollout, Score


def make_rollout(text: str, index: int = 0, tokens: int = 3, finish: Finish = "stop", answer: str = "42") -> Rollout:
    """A rollout with this text."""
    request = Request(Problem("7", "How many?", answer), prompt=(1,), group=0, number=0)
    return Rollout(request, index, [5] * tokens, text, [-1.0] * tokens, [-1.0] * tokens, finish)


def make_group(*texts: str, answer: str = "42") -> Group:
    """A group with one rollout for every text."""
    rollouts = [make_rollout(text, index, answer=answer) for index, text in enumerate(texts)]
    return Group(0, Problem("7", "How many?", answer), rollouts)


def score_text(reward: Reward, reference: str, text: str) -> Score:
    """A reward's score on one text."""
    (score,) = reward(Problem("7", "How many?", reference), [make_rollout(text)], None)
    return score


def data_folder() -> Path:
    """The folder with real data, or the test is skipped."""
    if "WORKBENCH_DATA" not in os.environ:
        pytest.skip("WORKBENCH_DATA is not set: it names the folder with gsm8k/ and grader_pairs.json")
    return Path(os.environ["WORKBENCH_DATA"])
