"""Votes over answers: by majority, and weighed by rank."""

import math

import pytest

from workbench.analysis.vote import Ballot, ballot, compare, rank_weights, vote
from workbench.types import Problem, Request, Rollout, Score


def test_ranks_worked_by_hand():
    assert rank_weights([2.1, 1.4, 0.7]) == [1.0, 0.5, 0.0]
    assert rank_weights([0.3, 0.9, 0.3]) == [0.25, 1.0, 0.25]
    assert rank_weights([0.5]) == [1.0]
    assert rank_weights([]) == []
    with pytest.raises(ValueError, match="nan"):
        rank_weights([0.1, float("nan")])


def test_only_the_order_of_scores_counts():
    scores = [0.1, 2.0, -3.0, 0.11]
    assert rank_weights(scores) == rank_weights([score**3 for score in scores])


def test_votes():
    assert vote(["a", "b", "b"]) == "b"
    assert vote(["a", "b"]) == "a"  # the first of equals
    assert vote(["", "", "b"]) == "b"
    assert vote([]) == vote(["", ""]) == ""
    assert vote(["a", "b", "b"], rank_weights([0.9, 0.5, 0.1])) == "a"
    with pytest.raises(ValueError, match="zip"):
        vote(["a", "b"], [1.0])


def test_good_scores_beat_a_wrong_majority_and_bad_ones_do_not():
    answers, right = ["4", "5", "5", "5", "4"], [True, False, False, False, True]
    good = Ballot(answers, right, [0.9, 0.2, 0.3, 0.1, 0.8])
    bad = Ballot(answers, right, [0.1, 0.8, 0.7, 0.9, 0.2])
    assert compare([good, bad]) == {"single": 0.4, "majority": 0.0, "weighted": 0.5}
    with pytest.raises(ValueError, match="nothing to vote on"):
        compare([])


def test_unscored_rollouts_vote_and_are_incorrect():
    """Left out, a policy could raise its majority by answers that no reward can score."""
    request = Request(Problem("p", "", "4"), (1,), group=0, number=0, n=3)
    parts = [Score(1.0, correct=True, extracted="4"), *[Score(math.nan, extracted="9^9^9")] * 2]
    rollouts = [
        Rollout(request, index, [1], "", [0.0], [0.0], "stop", parts={"math": part}) for index, part in enumerate(parts)
    ]
    cast = ballot(rollouts, "math", dict.fromkeys(range(3), 0.5))
    assert list(cast.correct) == [True, False, False]
    assert compare([cast]) == {"single": 1 / 3, "majority": 0.0, "weighted": 0.0}


def test_a_ballot_leaves_out_what_cannot_vote():
    request = Request(Problem("p", "", "4"), (1,), group=0, number=0, n=4)

    def rollout(index: int, answer: str, correct: bool | None) -> Rollout:
        score = Score(float(bool(correct)), correct=correct, extracted=answer)
        return Rollout(request, index, [1], answer, [0.0], [0.0], "stop", parts={"exact": score})

    pruned = Rollout(request, 3, [1], "", [0.0], [0.0], "pruned")
    rollouts = [rollout(0, "4", True), rollout(1, "5", False), rollout(2, "6", None), pruned]
    assert ballot(rollouts, "exact", {0: 0.2, 1: 0.7, 2: 0.1, 3: 0.3}) == Ballot(["4", "5"], [True, False], [0.2, 0.7])
    assert ballot(rollouts, "exact", {1: 0.7}) == Ballot(["5"], [False], [0.7])
    assert ballot(rollouts, "other", {0: 0.2}).answers == []
