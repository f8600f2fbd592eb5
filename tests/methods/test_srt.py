"""SRT and TTRL: the card's answers by hand, votes that are not trained, and the collapse that an alarm sees."""

import math

import pytest
import torch

from tests.methods.rounds import make_round, scored
from workbench.kinds import Watched
from workbench.methods.srt import ClearestMajorities, SelfReward, TrainFirst, shares
from workbench.pieces.advantage import LeaveOneOut
from workbench.pieces.alarms import ZeroVariance
from workbench.registry import find_method
from workbench.types import Batch, Group

ANSWERS = ["7", "7", "3", "7", "", "5", "7", "3"]


def group(answers: list[str], number: int = 0) -> Group:
    """Rollouts with these extracted answers; none is correct."""
    return scored(number, [0.0] * len(answers), answers)


def test_the_cards_rewards() -> None:
    found = group(ANSWERS)
    zeros = [0.0] * 8
    assert SelfReward()(found, zeros, 64) == [1, 1, 0, 1, 0, 0, 1, 0]
    seventh = [4 / 7, 4 / 7, 2 / 7, 4 / 7, 0, 1 / 7, 4 / 7, 2 / 7]
    assert SelfReward("soft")(found, zeros, 64) == pytest.approx(seventh)
    assert shares(found.rollouts)[0] == pytest.approx(0.5714, abs=1e-4)
    assert SelfReward(threshold=0.58)(found, zeros, 64) == [0.0] * 8
    assert SelfReward(threshold=0.57)(found, zeros, 64)[0] == 1.0


def test_the_cards_leave_one_out_advantages() -> None:
    reward = torch.tensor(SelfReward()(group(ANSWERS), [0.0] * 8, 64))
    plain = torch.zeros(8, 1)
    batch = Batch(plain, plain, plain == 0, reward, torch.zeros(8, dtype=torch.long))
    assert LeaveOneOut()(batch)[:, 0].abs().tolist() == pytest.approx([0.5714] * 8, abs=1e-4)


def test_ties_and_groups_without_answers() -> None:
    assert SelfReward()(group(["3", "7", "7", "3"]), [0.0] * 4, 64) == [1, 0, 0, 1]  # the first given
    assert SelfReward()(group(["", ""]), [1.0, 1.0], 64) == [0.0, 0.0]
    assert SelfReward("soft")(group(["", ""]), [1.0, 1.0], 64) == [0.0, 0.0]
    assert math.isnan(SelfReward()(group(["7", "7"]), [math.nan, 0.0], 64)[0])


def test_no_reference_is_read() -> None:
    right = scored(0, [1.0, 0.0, 0.0], ["7", "3", "3"])
    assert SelfReward()(right, [1.0, 0.0, 0.0], 64) == [0.0, 1.0, 1.0]


def test_some_rollouts_give_their_votes_only() -> None:
    first = group(["7", "7", "3", "7"])
    orders = TrainFirst(trained=2)({}, make_round(0, [first]))
    assert not orders.requests
    assert [each.request.train for each in first.rollouts] == [True, True, False, False]
    assert [each.request.tag for each in first.rollouts] == ["", "", "vote", "vote"]


def test_problems_with_the_largest_majorities_are_kept() -> None:
    groups = [group(["1", "2", "3"], 0), group(["1", "1", "1"], 1), group(["1", "1", "2"], 2)]
    assert ClearestMajorities(keep=1 / 3)({}, groups) == ["drop", "keep", "drop"]
    assert ClearestMajorities(keep=0.7)({}, groups) == ["drop", "keep", "keep"]
    assert ClearestMajorities()({}, groups) == ["keep"] * 3


def test_a_collapsed_policy_has_full_reward_no_gradient_and_is_seen() -> None:
    reward = SelfReward()(group(["1"] * 8), [0.0] * 8, 64)
    assert reward == [1.0] * 8
    plain = torch.zeros(8, 1)
    batch = Batch(plain, plain, plain == 0, torch.tensor(reward), torch.zeros(8, dtype=torch.long))
    assert not LeaveOneOut()(batch).any()
    alarm, told = ZeroVariance(action="stop"), []
    state = alarm.init()
    for step in range(1, 5):
        alert, state = alarm(state, Watched(step, {"zero_variance_groups": 1.0, "reward": 1.0}))
        told.append(alert is not None)
    assert told == [False, False, True, False]


def test_the_methods_are_made_of_them() -> None:
    assert find_method("srt").shaping == (SelfReward(),)
    assert find_method("ttrl").controller == TrainFirst(trained=32)
