"""What alarms say of made-up metrics, and when they say it again."""

import math
from collections.abc import Mapping, Sequence

import pytest

from workbench.kinds import Alarm, Alert, Watched
from workbench.pieces.alarms import (
    EntropyFloor,
    FallingScores,
    Mismatch,
    RewardUpAccuracyDown,
    TokenBudget,
    Unscored,
    ZeroVariance,
    limits,
)


def told(alarm: Alarm, lines: Sequence[Mapping[str, float]], events: Sequence[str] = ()) -> dict[int, Alert]:
    """Its alerts by step."""
    state, found = alarm.init(), {}
    for step, metrics in enumerate(lines, start=1):
        alert, state = alarm(state, Watched(step, metrics, events))
        if alert is not None:
            found[step] = alert
    return found


def test_entropy_below_its_floor_is_told_once_until_it_was_above() -> None:
    lines = [{"entropy": value} for value in (1.0, 0.5, 0.19, 0.1, 0.3, 0.1)]
    found = told(EntropyFloor(floor=0.2, share=0.0, action="stop"), lines)
    assert list(found) == [3, 6]
    assert found[3] == Alert("stop", "entropy 0.19 nats a token is below 0.2; the highest so far was 1")


def test_entropy_far_below_its_highest_is_told_without_a_floor() -> None:
    assert list(told(EntropyFloor(share=0.5), [{"entropy": value} for value in (1.0, 2.0, 1.1, 0.9, 0.1)])) == [4]
    assert told(EntropyFloor(), [{}, {"entropy": 0.0}]) == {}


def test_zero_variance_groups_are_told_after_so_many_steps_in_a_row() -> None:
    shares = (0.9, 0.95, 0.5, 0.9, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0)
    found = told(ZeroVariance(share=0.9, steps=3), [{"zero_variance_groups": share} for share in shares])
    assert list(found) == [6, 11]
    assert found[6].text == "100% of the groups have zero variance, 90% or more for 3 steps"
    assert told(ZeroVariance(steps=1), [{}]) == {}


def test_a_run_ends_with_the_step_that_uses_up_its_tokens_sampled_or_given() -> None:
    lines = [{"tokens": 40.0}, {"tokens": 0.0, "given_tokens": 30.0}, {}, {"tokens": 30.0, "given_tokens": 1.0}]
    found = told(TokenBudget(tokens=100), lines)
    assert found == {4: Alert("stop", "101 tokens of completions, of 100 that the run may use")}
    assert list(told(TokenBudget(tokens=70), lines)) == [2, 3, 4]


def test_a_collapse_of_a_self_reward_is_seen_where_the_reward_looks_best() -> None:
    """The card of SRT: the policy drifts to one answer, its self-reward is 1 everywhere, all advantages are 0."""
    lines = [{"reward": 0.6, "zero_variance_groups": 0.1}] * 5 + [{"reward": 1.0, "zero_variance_groups": 1.0}] * 3
    assert list(told(ZeroVariance(action="stop"), lines)) == [8]


def test_reward_up_while_accuracy_falls() -> None:
    lines: list[dict[str, float]] = [
        {"reward": 0.4},
        {"reward": 0.6, "accuracy": 0.50},  # mean .5
        {"reward": 0.7},
        {"reward": 0.9, "accuracy": 0.60},  # both rise
        {"reward": 0.95},
        {"reward": 0.95, "accuracy": 0.55},
        {"reward": 0.94, "accuracy": 0.40},  # both fall
    ]
    found = told(RewardUpAccuracyDown(), lines)
    assert list(found) == [6]
    assert found[6].text.startswith("reward rose from 0.8 to 0.95 while held-out accuracy fell from 60.0% to 55.0%")
    assert list(told(RewardUpAccuracyDown(evaluations=3), lines)) == [7]  # .8 -> .94, .60 -> .40
    assert told(RewardUpAccuracyDown(), [{"accuracy": 0.5}, {"accuracy": 0.1}]) == {}


def test_the_limits_of_every_run_fail_it() -> None:
    unscored, falling, mismatch = limits(0.05, 0.5)
    assert (unscored.before_update, falling.before_update, mismatch.before_update) == (True, True, False)
    assert told(unscored, [{"scored_share": 0.95}], ["because"]) == {}
    found = told(unscored, [{"scored_share": 0.94}], ["because", "other"])
    assert found[1].action == "fail"
    assert "6% of the step's rollouts are unscored, more than training.unscored = 0.05 allows" in found[1].text
    assert found[1].text.endswith("first reason: because")
    lines = [{"mismatch_mean": value, "mismatch_p99": 3.0} for value in (0.5, 0.8, math.nan)]
    found = told(mismatch, lines[:2])
    assert list(found) == [2]
    assert "differ by 0.8 nats a token on average (99th percentile 3)" in found[2].text
    assert told(Mismatch(0.0), lines[:2]) == {}
    assert told(Unscored(1.0), [{"scored_share": 0.0}]) == {}


def test_a_mismatch_that_is_no_number_fails_too() -> None:
    assert list(told(Mismatch(), [{"mismatch_mean": math.nan, "mismatch_p99": math.nan}])) == [1]


def test_a_falling_share_is_told_and_a_steady_one_is_not() -> None:
    shares = [1.0 if step < 30 else 1.0 - 0.005 * (step - 29) for step in range(60)]  # half a point a step
    found = told(FallingScores(), [{"scored_share": share} for share in shares])
    assert min(found) in range(31, 38)
    assert 60 in found
    assert told(FallingScores(), [{"scored_share": share} for share in (1.0, 0.0, 1.0, 0.0)]) == {}
    last = told(FallingScores(), [{"scored_share": share} for share in [1.0] * 6 + [0.97]])
    assert last[7].text == "the share of scored rollouts fell to 97.0%, from 100.0% on average over the last 6 steps"


@pytest.mark.parametrize("action", ["fail", "shout"])
def test_an_alarm_of_the_config_notes_pauses_or_stops(action: str) -> None:
    with pytest.raises(ValueError, match=r"entropy_floor\.action"):
        Alarm.parse({"piece": "entropy_floor", "action": action})
