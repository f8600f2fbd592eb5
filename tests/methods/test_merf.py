"""MeRF: the rules before the question while training, the numbers in them, and the card's advantages."""

import pytest
import torch

from tests.methods.rounds import scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.kinds import Pool
from workbench.methods.merf import RULES, SCORES, Motivated
from workbench.pieces.advantage import GroupZ
from workbench.pieces.sampler import Chosen
from workbench.registry import find_method
from workbench.types import Batch, Score

MERF = find_method("merf")


def test_the_cards_rewards_and_advantages() -> None:
    group = scored(0, [1.0, 0.0, 0.0, 1.0], ["7", "8", "9", "7"])
    group.rollouts[2].parts["exact"] = Score(0.0)  # unreadable
    for rollout in (group.rollouts[0], group.rollouts[3]):
        rollout.parts["exact"] = Score(1.0, correct=True, extracted="7")
    rewards = SCORES(group, [1.0, 0.0, 0.0, 1.0], 64)
    assert rewards == [3.0, -0.5, -3.0, 3.0]
    plain = torch.zeros(4, 1)
    batch = Batch(plain, plain, plain == 0, torch.tensor(rewards), torch.zeros(4, dtype=torch.long))
    assert GroupZ()(batch)[:, 0].tolist() == pytest.approx([0.8116, -0.3845, -1.2388, 0.8116], abs=1e-4)


def test_the_rules_say_what_the_reward_pays() -> None:
    assert MERF.shaping == (SCORES,)
    for value in (SCORES.right, SCORES.wrong, SCORES.none):
        assert f" {value:g}" in RULES


def test_another_samplers_problems_are_asked_with_the_rules() -> None:
    sampler = Motivated(rules="Be right.", inner=Chosen(numbers=(3,)))
    picks, state = sampler(sampler.init(), Pool(10, 2, 4, 1, lambda index: 0.5))
    assert [(pick.number, pick.rollouts) for pick in picks] == [(3, 4), (3, 4)]
    assert {pick.ask.prompt for pick in picks} == {"Be right.\n\n{question}"}
    assert state == {"next": 0}


def test_training_reads_the_rules_and_the_evaluation_does_not() -> None:
    method = MERF.override({"sampler": {"piece": "motivated", "rules": "1 or 0."}})
    settings = make_settings(training={"steps": 1}, evaluation={"problems": 2, "probes": 0})
    start, step = list(make_trainer(method, settings))
    assert step.columns is not None
    assert start.evaluation is not None
    assert all(prompt.count("1 or 0.\n\n") == 1 for prompt in step.columns["prompt"])
    assert not any("1 or 0." in prompt for prompt in start.evaluation["prompt"])
