"""PROF: which rollouts stay, as published, and in one step."""

import itertools

import pytest

from tests.methods.rounds import make_round, scored
from workbench.methods.prof import ProcessConsistency, drops
from workbench.types import Group, Score

OUTCOMES = [1, 0, 1, 0, 0, 1, 1, 1]
STEPS = [0.92, 0.30, 0.80, 0.55, 0.72, 0.61, 0.85, 0.40]


def group() -> Group:
    """The published group: the seventh rollout has a single step."""
    texts = ["one" if place == 6 else "one\n\ntwo" for place in range(8)]
    found = scored(0, OUTCOMES, texts)
    for rollout, value in zip(found.rollouts, STEPS, strict=True):
        rollout.parts["steps"] = Score(value)
    return found


def kept(controller: ProcessConsistency, found: Group) -> list[int]:
    """The places of the rollouts that stay."""
    orders = controller({}, make_round(0, [found]))
    assert orders.drop is not None
    assert not orders.requests
    return [place for place, rollout in enumerate(found.rollouts) if not orders.drop(rollout)]


def test_the_published_group() -> None:
    assert kept(ProcessConsistency(part="steps"), group()) == [0, 1, 2, 3]
    assert kept(ProcessConsistency(part="steps", penalty=0.0), group()) == [0, 1, 3, 6]


def test_incorrect_ones_may_stay_by_chance() -> None:
    stays = kept(ProcessConsistency(part="steps", incorrect="random"), group())
    assert stays[0] == 0
    assert len(stays) == 4
    assert [OUTCOMES[place] for place in stays].count(1) == 2


def test_as_many_stay_as_can_and_as_evenly() -> None:
    for right, wrong, keep in itertools.product(range(9), range(9), range(1, 9)):
        first, second = drops(right, wrong, keep)
        left, other = right - first, wrong - second
        assert min(left, other, first, second) >= 0
        assert left + other == min(keep, right + wrong)
        possible = [abs(a - b) for a in range(right + 1) for b in range(wrong + 1) if a + b == left + other]
        assert abs(left - other) == min(possible), (right, wrong, keep)


def test_what_has_no_step_score_goes_first_and_a_missing_part_is_told() -> None:
    found = group()
    found.rollouts[0].parts["steps"] = Score(float("nan"))
    assert 0 not in kept(ProcessConsistency(part="steps"), found)
    with pytest.raises(ValueError, match="reads the reward part 'spark'"):
        ProcessConsistency()({}, make_round(0, [group()]))
