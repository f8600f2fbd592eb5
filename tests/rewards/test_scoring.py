"""Many rewards over a group: one number each, and no exception that ends the run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest

from tests.rewards.reward_examples import make_group
from workbench.kinds import Reward
from workbench.pieces.shaping import Scale
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import Part, score_group
from workbench.types import Problem, Rollout, Score, Scorer


@dataclass(frozen=True)
class Probe(Reward):
    """A test's own reward: calls a function."""

    answer: Any = None

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        return self.answer(rollouts)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _registry_as_before() -> Any:
    yield
    Reward.registry.pop("probe", None)


def each(function: Any) -> Probe:
    """A reward that gives every rollout the value of its text."""
    return Probe(lambda rollouts: [Score(function(rollout.text)) for rollout in rollouts])


def test_parts_sum_and_verdict() -> None:
    group = make_group("answer: 42", "answer: 1")
    length = each(lambda text: float(len(text)))
    assert score_group([("length", length, 0.1), ("exact", Exact(), 2.0)], [], group, None, 64) == []
    assert [rollout.reward for rollout in group.rollouts] == [pytest.approx(3.0), pytest.approx(0.9)]
    assert [rollout.correct for rollout in group.rollouts] == [1.0, 0.0]
    assert group.rollouts[0].parts["exact"].extracted == "42"
    assert group.rollouts[0].parts["length"].value == 10.0


def test_part_without_verdict_value_makes_the_sum_nan_unless_it_weighs_nothing() -> None:
    unscored = each(lambda text: math.nan)
    for weight, reward in ((1.0, math.nan), (0.0, 1.0)):
        group = make_group("answer: 42")
        score_group([("exact", Exact(), 1.0), ("unscored", unscored, weight)], [], group, None, 64)
        assert group.rollouts[0].reward == pytest.approx(reward, nan_ok=True)
        assert group.rollouts[0].correct == 1.0


def test_shaping_runs_in_order() -> None:
    group = make_group("answer: 42", "answer: 1")
    score_group([("exact", Exact(), 1.0)], [Scale(-1.0, 1.0), Scale(0.0, 10.0)], group, None, 64)
    assert [rollout.reward for rollout in group.rollouts] == [10.0, -10.0]


def test_no_verdict_at_all() -> None:
    group = make_group("a")
    score_group([("length", each(lambda text: 1.0), 1.0)], [], group, None, 64)
    assert math.isnan(group.rollouts[0].correct)


def test_one_rollout_that_breaks_a_reward_leaves_the_others_scored() -> None:
    group = make_group("1", "two", "3")
    texts = score_group([("number", each(float), 1.0), ("exact", Exact(), 0.0)], [], group, None, 64)
    assert [rollout.reward for rollout in group.rollouts] == pytest.approx([1.0, math.nan, 3.0], nan_ok=True)
    assert texts == [
        "reward number raised ValueError: could not convert string to float: 'two' on rollout 1 of problem 7: 'two'"
    ]
    assert group.rollouts[1].parts["number"].reason.startswith("number raised ValueError")


def test_the_others_are_still_compared_with_each_other() -> None:
    """A majority vote asked for single rollouts would call every one of them the majority."""

    def vote(rollouts: Sequence[Rollout]) -> list[Score]:
        numbers = [int(rollout.text) for rollout in rollouts]
        most = max(numbers, key=numbers.count)
        return [Score(float(number == most)) for number in numbers]

    group = make_group("5", "x", "5", "4")
    score_group([("vote", Probe(vote), 1.0)], [], group, None, 64)
    assert [rollout.reward for rollout in group.rollouts] == pytest.approx([1.0, math.nan, 1.0, 0.0], nan_ok=True)


def test_a_fault_of_all_is_told_once() -> None:
    def fail(rollouts: Sequence[Rollout]) -> list[Score]:
        raise ZeroDivisionError("of\nall")

    group = make_group("a", "b", "c")
    texts = score_group([("broken", Probe(fail), 1.0)], [], group, None, 64)
    assert texts == [
        "reward broken raised ZeroDivisionError: of all on rollout 0 of problem 7 (and 2 more of its group): 'a'"
    ]
    assert all(math.isnan(rollout.reward) for rollout in group.rollouts)


class Broken:
    """Answers a reward must not give, with what is said of them."""

    CASES: ClassVar[list[tuple[Any, str]]] = [
        (lambda rollouts: [Score(1.0)] * 3, "3 scores for 1 rollouts: return one for each"),
        (lambda rollouts: [1.0 for _ in rollouts], "1.0 is no Score"),
        (lambda rollouts: [Score(math.inf) for _ in rollouts], "value inf: a reward is finite"),
        (lambda rollouts: [Score(1.0, per_token=(1.0,)) for _ in rollouts], "1 values per token for 3 tokens"),
        (lambda rollouts: [Score(1 / (len(rollouts) - 2)) for _ in rollouts], "ZeroDivisionError"),
    ]


@pytest.mark.parametrize(("answer", "said"), Broken.CASES)
def test_answers_that_are_none(answer: Any, said: str) -> None:
    group = make_group("a", "b")
    texts = score_group([("broken", Probe(answer), 1.0)], [], group, None, 64)
    assert said in texts[0]
    assert all(math.isnan(rollout.reward) for rollout in group.rollouts)


def test_per_token_values_stay_on_the_judgement() -> None:
    group = make_group("a")
    score_group([("steps", Probe(lambda rollouts: [Score(1.0, per_token=(0.0, 1.0, 0.0))]), 1.0)], [], group, None, 64)
    assert group.rollouts[0].parts["steps"].per_token == (0.0, 1.0, 0.0)


def test_names_must_differ() -> None:
    with pytest.raises(ValueError, match="two rewards are called 'exact'"):
        score_group([("exact", Exact(), 1.0), ("exact", Exact(), 1.0)], [], make_group("a"), None, 64)
    with pytest.raises(ValueError, match="no reward is given"):
        score_group([], [], make_group("a"), None, 64)


def test_a_reward_may_be_for_one_source_or_one_role_only() -> None:
    half = each(lambda text: 0.5)
    parts = [Part("exact", Exact()), Part("code", half, 2.0, "code"), Part("look", Exact(), 1.0, "check")]
    plain, code, check = make_group("answer: 42"), make_group("answer: 42"), make_group("answer: 42")
    for group, fields in ((code, {"problem": replace(code.problem, source="code")}), (check, {"role": "check"})):
        for rollout in group.rollouts:
            rollout.request = replace(rollout.request, **fields)
    for group in (plain, code, check):
        assert score_group(parts, [], group, None, 64) == []
    assert [list(group.rollouts[0].parts) for group in (plain, code, check)] == [
        ["exact"],
        ["exact", "code"],
        ["exact", "look"],
    ]
    assert [group.rollouts[0].reward for group in (plain, code, check)] == [1.0, 2.0, 2.0]


def test_what_no_reward_is_for_is_unscored() -> None:
    group = make_group("answer: 42")
    score_group([Part("code", Exact(), 1.0, "code")], [], group, None, 64)
    assert math.isnan(group.rollouts[0].reward)
    assert not group.rollouts[0].scored
