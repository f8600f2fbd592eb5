"""TraPO: votes, trajectories, and which unlabelled problems are trained."""

import dataclasses
import random
from collections import Counter

import pytest

from tests.batches import assert_close
from tests.methods.rounds import make_round, scored
from workbench.kinds import Pool, Round
from workbench.methods.trapo import (
    UNTRUSTED,
    LabelledShare,
    MajorityVote,
    TrustTrajectories,
    agreement,
    chosen,
    likenesses,
)
from workbench.types import Group, Problem
from workbench.types.memory import Ledger

KNOWN = [[0.1, 0.2, 0.4, 0.6, 0.8], [0.2, 0.3, 0.3, 0.5, 0.7]]
UNKNOWN = {
    "rising": [0.25, 0.375, 0.5, 0.625, 0.75],
    "falling": [0.75, 0.625, 0.5, 0.375, 0.25],
    "constant": [0.5] * 5,
    "zigzag": [0.5, 0.25, 0.625, 0.375, 0.75],
}


def test_likeness_and_choice_of_the_worked_example():
    found = likenesses(UNKNOWN, KNOWN)
    assert_close([found[key] for key in ("rising", "constant", "zigzag")], [0.971284, 0, 0.51325], 1e-6)
    assert found["falling"] < -0.9
    assert chosen(found, 0.1, 0.4) == {"rising", "zigzag"}
    assert chosen(found, 0.1, 2.0) == {"rising"}
    assert chosen(found, 0.0, 2.0) == set()
    assert chosen({}, 0.1, 0.4) == set()


def test_histories_are_cut_to_the_shortest():
    assert likenesses({"q": [0.0, 1.0, 0.0]}, [[0.2, 0.4]]) == {"q": pytest.approx(1.0)}
    assert likenesses({"q": [0.0, 1.0]}, [[0.5]]) == {"q": 0.0}  # nothing to compare with


@pytest.mark.parametrize(
    ("answers", "expected"),
    [("55757751", [1, 1, 0, 1, 0, 0, 1, 0]), ("5577", [0, 0, 0, 0]), ("5", [1])],
)
def test_the_vote(answers, expected):
    group = scored(0, [0.0] * len(answers), list(answers))
    assert agreement(group.rollouts) == expected


def test_no_answers_no_votes():
    assert agreement(scored(0, [0.0, 0.0], ["", ""]).rollouts) == [0.0, 0.0]


def test_only_unlabelled_problems_are_voted_on():
    truth, texts = [0.0, 1.0, 0.0], ["5", "4", "5"]
    assert MajorityVote()(scored(0, truth, texts), truth, 9) == truth
    assert MajorityVote()(scored(0, truth, texts, labelled=False), truth, 9) == [1.0, 0.0, 1.0]


def on(ledger: Ledger, groups: list[Group]) -> Round:
    """A first round of a run with this ledger."""
    return dataclasses.replace(make_round(0, groups), ledger=ledger)


def test_the_share_is_taken_over_the_step():
    """Problems that a step does not ask are no rivals: of those it asks the most alike one is trained."""
    piece = TrustTrajectories(warmup=2, top=0.1, threshold=1.0)
    history = {"p1": [0.25, 0.5], "p2": [0.75, 0.5], **{f"other {n}": [0.25, 0.5, 0.75] for n in range(9)}}
    ledger = Ledger()
    for step, rates in enumerate(zip([5, 10, 15], [6, 8, 16], strict=True), start=1):
        visits = [[key, -1, 20, rate, 5.0] for key, rate in zip(("p0", "p9"), rates, strict=True)]
        ledger.take({"step": step, "visits": visits})
    state = {"labelled": ["p0", "p9"], "adopted": [], "agreement": history}
    alike = scored(1, [0.0] * 4, list("5557"), labelled=False)
    unlike = scored(2, [0.0] * 4, list("5678"), labelled=False)
    piece(state, on(ledger, [unlike]))
    assert any(unlike.rollouts[0].trained)  # alone, it is the best of its step
    unlike = scored(2, [0.0] * 4, list("5678"), labelled=False)
    piece(state, on(ledger, [alike, unlike]))
    assert [any(group.rollouts[0].trained) for group in (alike, unlike)] == [True, False]


def test_unlabelled_problems_wait_and_are_then_chosen():
    piece = TrustTrajectories(warmup=2, top=0.0)
    state, trained, ledger = piece.init(), [], Ledger()
    for right in (1, 2, 3):  # of four; the unlabelled ones agree as often, and the other way round
        known = scored(0, [float(place < right) for place in range(4)])
        alike = scored(1, [0.0] * 4, ["5"] * (right + 1) + list("678")[right:], labelled=False)
        other = scored(2, [0.0] * 4, ["5"] * (5 - right) + list("678")[: right - 1], labelled=False)
        state = piece(state, on(ledger, [known, alike, other])).state
        ledger.take({"step": right, "visits": [["p0", 0, 4, float(right), 5.0]]})
        trained.append([any(group.rollouts[0].trained) for group in (known, alike, other)])
        assert (other.rollouts[0].request.tag == UNTRUSTED) is True
    assert trained == [[True, False, False], [True, True, False], [True, True, False]]
    assert state["labelled"] == ["p0"]
    assert state["agreement"] == {"p1": [0.5, 0.75, 1.0], "p2": [1.0, 0.75, 0.5]}


def test_trained_problems_vouch_for_others_if_they_are_adopted():
    """Without labelled problems nothing is alike; once one was trained as the best of its step, it is compared with."""
    for adopt in (False, True):
        piece = TrustTrajectories(warmup=2, top=0.5, threshold=0.9, adopt=adopt)
        history = {"p1": [0.25, 0.5], "p2": [0.75, 0.5], "p3": [0.25, 0.5]}
        state = {"labelled": [], "adopted": ["p1"] if adopt else [], "agreement": history}
        falling = scored(2, [0.0] * 4, list("5678"), labelled=False)
        rising = scored(3, [0.0] * 4, list("5557"), labelled=False)
        state = piece(state, on(Ledger(), [falling, rising] if adopt else [rising, falling])).state
        assert any(rising.rollouts[0].trained)
        assert state["adopted"] == (["p1", "p3"] if adopt else [])
        assert not any(falling.rollouts[0].trained)


def test_a_step_has_its_share_of_labelled_problems():
    def pool(step: int, count: int = 8) -> Pool:
        uniform = lambda index: random.Random(f"{step}/{index}").random()  # noqa: E731
        data = lambda number: Problem(f"p{number}", "q", "a", {"labelled": number < 3})  # noqa: E731
        return Pool(12, count, 4, step, uniform, problem=data)

    piece = LabelledShare()
    state, seen = piece.init(), Counter()
    for step in range(1, 10):
        picks, state = piece(state, pool(step))
        numbers = [pick.number for pick in picks]
        assert [number < 3 for number in numbers] == [True] * 2 + [False] * 6
        seen.update(numbers)
    assert {seen[number] for number in range(3)} == {6}  # 18 picks of 3, 54 of 9: each as often
    assert {seen[number] for number in range(3, 12)} == {6}


def test_data_of_one_kind_fill_the_step():
    pool = Pool(4, 6, 4, 1, lambda index: 0.5)
    assert sorted(pick.number for pick in LabelledShare()(LabelledShare().init(), pool)[0]) == [0, 0, 1, 1, 2, 3]
