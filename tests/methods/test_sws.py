"""SwS: the card's weak problems, budgets and labels; concepts of weak problems become problems in the stock."""

import random
from dataclasses import replace

import pytest

from tests.methods.rounds import make_round, scored
from workbench.kinds import Past, Pool, Round
from workbench.methods.sws import (
    SOURCE,
    TEACH,
    TRY,
    WRITE,
    AccuracyBetween,
    FromWeakness,
    KeepAgreed,
    concepts_of,
    drawn,
    is_weak,
    shares,
)
from workbench.pieces.sampler import WithStock
from workbench.types import Group, Problem
from workbench.types.memory import Ledger, Stock


def test_the_cards_weak_problems_and_budget() -> None:
    assert [is_weak(rates) for rates in ([0.3, 0.25, 0.1], [0.1, 0.2, 0.4], [0.2, 0.6, 0.1])] == [True, False, False]
    assert not is_weak([])
    rates = [0.151, 0.143, 0.111, 0.078, 0.075, 0.059, 0.037]
    budget = [1e6 * part for part in shares(dict(zip("abcdefg", rates, strict=True))).values()]
    expected = [230_887, 218_654, 169_725, 119_266, 114_679, 90_214, 56_575]
    assert budget == pytest.approx(expected, abs=1)
    assert shares({"a": 0.0}) == {"a": 0.0}
    assert [drawn("ab", [1, 3], number) for number in (0.0, 0.24, 0.26, 0.999)] == ["a", "a", "b", "b"]


def in_round(groups: list[Group], number: int = 0, ledger: Ledger | None = None) -> Round:
    """A round of a run with this ledger."""
    return replace(
        make_round(number, groups),
        ledger=ledger or Ledger(),
        uniform=lambda index: random.Random(f"u/{index}").random(),
    )


def weak_run() -> tuple[FromWeakness, list[Group], Ledger]:
    """A problem that falls, one that rises."""
    falling, rising = scored(0, [0.0] * 3 + [1.0], concepts=["area", "ratio"]), scored(1, [1.0, 0.0])
    falling.problem = replace(falling.problem, source="geometry")
    ledger = Ledger()
    ledger.take({"step": 1, "visits": [["p0", 0, 4, 1.6, 5.0], ["p1", 1, 4, 1.0, 5.0]]})
    return FromWeakness(proposals=2, samples=4), [falling, rising], ledger


def test_concepts_of_weak_problems_are_proposed() -> None:
    piece, groups, ledger = weak_run()
    orders = piece(piece.init(), in_round(groups, ledger=ledger))
    assert orders.state["counts"] == {"geometry\tarea": 1, "geometry\tratio": 1}
    assert orders.state["failed"] == {"geometry": 3, "all": 1}
    assert [request.role for request in orders.requests] == [WRITE] * 2
    for request in orders.requests:
        assert {"area", "ratio"} <= set(concepts_of(request.problem, "none"))
        assert (request.late, request.train, request.n) == (True, False, 1)
    assert not piece(piece.init(), in_round(groups)).requests  # without a history nothing is weak


def test_a_written_problem_is_answered_twice_and_kept_where_both_agree() -> None:
    piece, groups, ledger = weak_run()
    orders = piece(piece.init(), in_round(groups, ledger=ledger))
    texts = ["<problem>What is the area of 3 by 4?</problem>", "no marks"]
    for number, (request, text) in enumerate(zip(orders.requests, texts, strict=True)):
        group = scored(50 + number, [float("nan")], [text])
        group.rollouts[0].request = request
        groups.append(group)
    asked = piece(orders.state, in_round(groups, 1)).requests
    assert [(request.role, request.n, request.parent) for request in asked] == [
        (TEACH, 4, (100, 0)),
        (TRY, 4, (100, 0)),
    ]
    assert {request.problem.prompt for request in asked} == {"What is the area of 3 by 4?"}
    for request, said in zip(asked, (["12", "12", "12", "7"], ["12", "7", "", "12"]), strict=True):
        group = scored(request.group, [0.0] * 4, said)
        for rollout in group.rollouts:
            rollout.request = request
        groups.append(group)
    assert not piece(orders.state, in_round(groups, 2)).requests
    past = Past(3, groups, ledger, Stock(), lambda index: 0.5)
    (made,), _ = KeepAgreed()({}, past)
    assert (made.prompt, made.answer, made.source) == ("What is the area of 3 by 4?", "12", SOURCE)
    stock = Stock()
    stock.take(stock.lines([made], 3)[0][0])
    pool = Pool(None, 4, 8, 4, lambda index: 0.5, stock=stock)
    picks, _ = WithStock(source=SOURCE)({"next": 0, "order": []}, pool)
    assert [pick.problem for pick in picks] == [made, None, None, None]
    assert [pick.number for pick in picks[1:]] == [0, 1, 2]


@pytest.mark.parametrize(
    ("taught", "tried", "label"),
    [
        ("7771", "7123", "7"),
        ("7711", "7777", ""),  # half of the teacher's answers are not more than half
        ("7771", "7777", ""),  # the student always finds it
        ("7771", "8888", ""),  # the student never finds it
        ("    ", "    ", ""),  # nobody found an answer
    ],
)
def test_labels(taught: str, tried: str, label: str) -> None:
    assert KeepAgreed().label([each.strip() for each in taught], [each.strip() for each in tried]) == label


def test_what_is_too_easy_or_too_hard_is_not_trained() -> None:
    groups = [scored(right, [1.0] * right + [0.0] * (8 - right)) for right in range(9)]
    assert AccuracyBetween()({}, groups) == ["drop", *["keep"] * 7, "drop"]


def test_a_question_lends_its_words_and_signs() -> None:
    assert concepts_of(Problem("p", "What is 3 * 4, the area?", "12"), "concepts") == ["*", "area"]
