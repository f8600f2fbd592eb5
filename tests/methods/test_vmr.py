"""VMR: choices of a step's completions, both letters alike, and the published rewards."""

import pytest
import torch

from tests.methods.rounds import scored
from workbench.kinds import Past
from workbench.methods.vmr import SOURCE, PairsAsChoices
from workbench.ops import group_centre, group_std
from workbench.rewards.exact import Exact
from workbench.types import Group, Problem
from workbench.types.memory import Ledger, Stock


def made(*groups: Group, **fields: float) -> list[Problem]:
    """The problems of a step."""
    past = Past(3, groups, Ledger(), Stock(), lambda place: 0.5)
    problems, state = PairsAsChoices(**fields)({}, past)
    assert state == {}
    return problems


def test_the_best_and_the_worst_stand_in_both_orders() -> None:
    group = scored(0, [0.2, 0.9, 0.5], ["poor", "good", "fair"])
    one, other = made(group)
    assert [one.answer, other.answer] == ["A", "B"]
    assert one.prompt.index("good") < one.prompt.index("poor")
    assert other.prompt.index("poor") < other.prompt.index("good")
    assert one.key != other.key
    assert {one.source, other.source} == {SOURCE}
    lines, faults = Stock().lines([one, other], 3)
    assert (len(lines), faults) == (2, [])


def test_a_constant_letter_earns_half() -> None:
    problems = made(*(scored(number, [0.0, 1.0], ["no", "yes"]) for number in range(5)))
    for letter in "AB":
        grades = [Exact().score(problem.answer, f"answer: {letter}").value for problem in problems]
        assert sum(grades) == len(grades) / 2


def test_what_makes_no_choice() -> None:
    alike = scored(0, [0.4, 0.6], ["a", "b"])
    same = scored(1, [0.0, 1.0], ["a", "a "])
    lost = scored(2, [float("nan"), 1.0], ["a", "b"])
    cut = scored(3, [0.0, 1.0], ["a", "b"])
    cut.rollouts[0].finish = "length"
    long = scored(4, [0.0, 1.0], ["a", "b" * 5000])
    assert made(alike, same, lost, cut, long) == []
    assert len(made(alike, margin=0.1)) == 2
    (again, _) = made(scored(5, [0.0, 1.0], ["a", "b"]))
    group = scored(6, [0.0, 1.0], ["A", "B"])
    group.problem = again
    assert made(group) == []


def test_the_published_rewards() -> None:
    picks, keys = ["answer: A", "answer: B", "answer: A", "none"], ["A", "A", "B", "B"]
    rewards = torch.tensor([Exact().score(key, pick).value for pick, key in zip(picks, keys, strict=True)])
    group = torch.zeros(4).long()
    assert rewards.tolist() == [1, 0, 0, 0]
    found = group_centre(rewards, group) / group_std(rewards, group)
    assert found.tolist() == pytest.approx([1.5, -0.5, -0.5, -0.5])
