"""The picture that a saved notebook shows without a kernel."""

import pytest

from tests.widgets.fake_run import Shape, make_run
from widgets.recorded.data import RunData
from widgets.tokens.snapshot import MOST_ROLLOUTS, best_and_worst, snapshot
from workbench.runs.open import open_run


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return RunData(open_run(make_run(tmp_path_factory.mktemp("runs") / "fake", Shape(steps=2, rollouts=12))))


def test_of_many_rollouts_the_best_and_the_worst_are_shown_in_their_order():
    rollouts = [{"rollout": place, "reward": reward} for place, reward in enumerate([0, 5, 1, 4, 2, None, 3, 9])]
    shown = best_and_worst(rollouts)
    assert [each["rollout"] for each in shown] == [0, 1, 2, 3, 5, 7]
    assert best_and_worst(rollouts[:MOST_ROLLOUTS]) == rollouts[:MOST_ROLLOUTS]


def test_each_has_its_grade_and_the_picture_says_how_many_are_left_out(data):
    picture = snapshot(data, {"step": 2, "group": 1})
    assert "the best and the worst 6 of 12 rollouts" in picture
    assert "✓ 1.00" in picture
    assert "✗ 0.00" in picture


def test_amounts_are_blue_and_signed_numbers_orange_and_purple(data):
    place = {"step": 2, "group": 1}
    assert "rgba(0,114,178" in snapshot(data, {**place, "signal": "entropy"})
    signed = snapshot(data, {**place, "signal": "advantage"})
    assert "rgba(0,114,178" not in signed
    assert "rgba(230,97,1" in signed
