"""NPO: the card's advantages and choice, which rollout gives way to which kept one."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.methods.rounds import Echo, make_round, scored
from workbench.kinds import Round
from workbench.methods.npo import TAG, FromArchive, second_moment
from workbench.pieces.advantage import GroupZ
from workbench.pieces.archive import solved
from workbench.types import Batch, Group, Problem


class Reader:
    """A scorer that finds every token equally likely."""

    def score(self, prompts: Any, answers: Sequence[Sequence[int]], signals: Any) -> list[dict[str, list[float]]]:
        return [{"logprob": [-1.0] * len(answer)} for answer in answers]


def kept(step: int, text: str, surprise: float = 0.0) -> dict[str, Any]:
    """A kept completion; above 0 the policy finds it more likely than its writer did."""
    return {"step": step, "tokens": list(Echo().prompt(text)), "text": text, "logprob": -len(text) - surprise}


def read(groups: list[Group]) -> Round:
    return replace(make_round(0, groups), scorer=Reader())


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0], [0.866024, -0.866024, -0.866024, 0.866024]),
        ([0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [-0.5, -0.5, -0.5, 1.5]),
    ],
)
def test_the_cards_groups(before: list[float], after: list[float], expected: list[float]) -> None:
    group = scored(0, before, solved=[kept(3, "as it was")])
    orders = FromArchive()({}, read([group]))
    assert orders.drop is not None
    left = [each.correct for each in group.rollouts if not orders.drop(each)]
    assert [*left, *(1.0 for _ in orders.rollouts)] == after
    zeros = torch.zeros(4, 1)
    batch = Batch(zeros, zeros, zeros == 0, torch.tensor(after), torch.zeros(4, dtype=torch.long))
    assert GroupZ()(batch)[:, 0].tolist() == pytest.approx(expected, abs=1e-5)


def test_a_correct_last_rollout_stays() -> None:
    group = scored(0, [0.0, 0.0, 1.0], solved=[kept(3, "as it was")])
    orders = FromArchive()({}, read([group]))
    assert orders.drop is not None
    assert [orders.drop(each) for each in group.rollouts] == [False, True, False]
    (ready,) = orders.rollouts
    assert (ready.text, ready.finish, ready.request.tag, ready.request.group) == ("as it was", "given", TAG, 0)
    assert "off_policy" not in ready.extras  # trained as if it were the policy's own


def test_who_is_often_solved_or_has_nothing_kept_is_left_alone() -> None:
    groups = [
        scored(0, [1.0, 1.0, 0.0], solved=[kept(3, "x")]),
        scored(1, [0.0, 0.0]),
        scored(2, [0.0], solved=[kept(3, "x")]),
    ]
    orders = FromArchive()({}, read(groups))
    assert not orders.rollouts
    assert not FromArchive()({}, replace(read([groups[0]]), number=1)).rollouts


def test_the_time_is_chosen_by_quality_over_cost() -> None:
    """Step 40 has a completion for both groups, but the policy is far from its writer; step 3 has one for one."""
    near, far = kept(3, "near"), kept(40, "far", surprise=2.0)
    both = [scored(0, [0.0, 0.0], solved=[near, far]), scored(1, [0.0, 0.0], solved=[far])]
    orders = FromArchive()({}, read(both))
    assert second_moment([2.0]) == pytest.approx(math.exp(4))
    assert [each.text for each in orders.rollouts] == ["near", "far"]  # 1/2 over 1 against 1 over e⁴; then what is left
    closer = [scored(0, [0.0, 0.0], solved=[near, kept(40, "far")]), scored(1, [0.0, 0.0], solved=[kept(40, "far")])]
    assert [each.text for each in FromArchive()({}, read(closer)).rollouts] == ["far", "far"]


def test_a_line_of_another_runs_problems_holds_its_completions() -> None:
    line = {"key": "p", "prompt": "q", "answer": "4", "data": {"solved": [kept(3, "x")]}}
    assert [each["text"] for each in solved(Problem("p", "q", "4", line))] == ["x"]
    assert solved(Problem("p", "q", "4", {"data": "text"})) == []


def test_without_a_scorer_it_says_what_is_missing() -> None:
    with pytest.raises(ValueError, match="no scorer"):
        FromArchive()({}, make_round(0, [scored(0, [0.0, 0.0], solved=[kept(3, "x")])]))
