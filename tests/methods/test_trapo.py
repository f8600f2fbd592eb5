"""TraPO: votes, trajectories, and which unlabelled problems are trained."""

import pytest

from tests.batches import assert_close
from tests.methods.rounds import make_round, scored
from workbench.methods.trapo import UNTRUSTED, MajorityVote, TrustTrajectories, agreement, chosen, likenesses

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


def test_the_share_is_taken_over_the_step():
    """Problems that a step does not ask are no rivals: of those it asks the most alike one is trained."""
    piece = TrustTrajectories(warmup=2, top=0.1, threshold=1.0)
    history = {"p1": [0.25, 0.5], "p2": [0.75, 0.5], **{f"other {n}": [0.25, 0.5, 0.75] for n in range(9)}}
    state = {"labelled": {"p0": [0.25, 0.5, 0.75], "p9": [0.3, 0.4, 0.8]}, "unlabelled": history}
    alike = scored(1, [0.0] * 4, list("5557"), labelled=False)
    unlike = scored(2, [0.0] * 4, list("5678"), labelled=False)
    piece(state, make_round(0, [unlike]))
    assert any(unlike.rollouts[0].trained)  # alone, it is the best of its step
    unlike = scored(2, [0.0] * 4, list("5678"), labelled=False)
    piece(state, make_round(0, [alike, unlike]))
    assert [any(group.rollouts[0].trained) for group in (alike, unlike)] == [True, False]


def test_unlabelled_problems_wait_and_are_then_chosen():
    piece = TrustTrajectories(warmup=2, top=0.0)
    state, trained = piece.init(), []
    for right in (1, 2, 3):  # of four; the unlabelled ones agree as often, and the other way round
        known = scored(0, [float(place < right) for place in range(4)])
        alike = scored(1, [0.0] * 4, ["5"] * (right + 1) + list("678")[right:], labelled=False)
        other = scored(2, [0.0] * 4, ["5"] * (5 - right) + list("678")[: right - 1], labelled=False)
        state = piece(state, make_round(0, [known, alike, other])).state
        trained.append([any(group.rollouts[0].trained) for group in (known, alike, other)])
        assert (other.rollouts[0].request.tag == UNTRUSTED) is True
    assert trained == [[True, False, False], [True, True, False], [True, True, False]]
    assert state["labelled"] == {"p0": [0.25, 0.5, 0.75]}
    assert state["unlabelled"] == {"p1": [0.5, 0.75, 1.0], "p2": [1.0, 0.75, 0.5]}
