"""CEPO, worked by hand."""

import dataclasses

import pytest
import torch

from tests.batches import assert_close, toy
from tests.methods.rounds import Echo
from workbench.method import advantages
from workbench.methods.cepo import Contrast, wrong_answer
from workbench.registry import find_method
from workbench.types import Problem, Request, Rollout, Score

RIGHT = torch.tensor(
    [[-0.4, -0.6, -0.1], [-0.7, -0.3, -2.5], [-0.2, -1.4, -0.4], [-1.0, -0.05, -0.7]], dtype=torch.float64
)
WRONG = torch.tensor(
    [[-0.5, -1.3, -0.1], [-0.6, -0.3, -1.2], [-0.2, -0.7, -0.5], [-1.6, -0.05, -0.8]], dtype=torch.float64
)
CEPO = find_method("cepo")
PROBLEM = Problem("p", "2 + 2 =", "4")


def found(step: int, **fields: object) -> torch.Tensor:
    method = dataclasses.replace(CEPO, advantage=Contrast(**fields))
    return advantages(method, toy(step=step, **{"old_logprob@right": RIGHT, "old_logprob@wrong": WRONG}))


@pytest.mark.parametrize(
    ("bound", "first", "second"),
    [
        (0.2, [0.9116, 0.9526, 0.8660], [-0.9116, -0.8660, -0.9526]),
        (0.5, [0.9116, 1.0825, 0.8660], [-0.9116, -0.8660, -1.0825]),
    ],
)
def test_weights_of_tokens(bound, first, second):
    assert_close(found(1, bound=bound)[0], first)
    assert_close(found(1, bound=bound)[1], second)


@pytest.mark.parametrize(("step", "share"), [(1, 0.5), (2, 0.48), (5, 0.42), (26, 0.0), (90, 0.0)])
def test_the_share_falls_to_zero(step, share):
    assert_close(found(step)[0, 0], 0.8660254 * (1 + share * 0.1051709))


def rollout(text: str, correct: float, extracted: str = "", reward: float = 0.0) -> Rollout:
    request = Request(PROBLEM, Echo().prompt(PROBLEM.prompt), group=0, number=0)
    parts = {"exact": Score(reward, extracted=extracted)}
    return Rollout(request, 0, [5], text, [0.0], [0.0], "stop", parts=parts, reward=reward, correct=correct)


@pytest.mark.parametrize(
    ("rollouts", "expected"),
    [
        ([rollout("it is 4", 1.0, "4", 1.0)], ""),
        ([rollout("it is 5", 0.0, "5"), rollout("it is 6", 0.0, "6", -1.0)], "6"),
        ([rollout("x" * 80, 0.0)], "x" * 50),
        ([rollout("it is 5", float("nan"), "5", float("nan"))], ""),
    ],
)
def test_whose_answer_is_the_wrong_one(rollouts, expected):
    assert wrong_answer(rollouts) == expected


def test_the_answers_stand_behind_the_whole_prompt():
    """After the chat template's header of the assistant, where the authors put them."""
    rollouts = [rollout("it is 4", 1.0, "4"), rollout("it is 5", 0.0, "5")]
    prompts = Contrast().contexts(PROBLEM, rollouts, Echo())
    assert [Echo().text(prompt) for prompt in prompts["right"]] == ["2 + 2 = 4"] * 2
    assert [Echo().text(prompt) for prompt in prompts["wrong"]] == ["2 + 2 = 5"] * 2
    alone = Contrast().contexts(PROBLEM, rollouts[:1], Echo())
    assert alone["wrong"] == alone["right"]
