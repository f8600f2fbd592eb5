"""OPO: the length-weighted baseline by hand, and that it is the optimal one."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.batches import UNEQUAL, advantage_rows, assert_close, toy
from workbench.method import advantages
from workbench.registry import find_method

OPO = find_method("opo")


def test_the_baseline_by_hand():
    """Rewards 1, 0, 0, 1 of lengths 3, 1, 2, 3: baseline (3 + 3) / 9 = 2/3."""
    assert_close(advantage_rows(OPO, toy(mask=UNEQUAL)), [1 / 3, -2 / 3, -2 / 3, 1 / 3])
    assert_close(advantage_rows(OPO, toy()), [0.5, -0.5, -0.5, 0.5])  # equal lengths: the mean


def test_an_unscored_rollout_is_absent_and_a_lone_one_still():
    reward = torch.tensor([1.0, 0.0, torch.nan, torch.nan], dtype=torch.float64)
    assert_close(advantage_rows(OPO, toy(mask=UNEQUAL, reward=reward)), [0.25, -0.75, 0.0, 0.0])  # (3 · 1) / 4
    reward[1] = torch.nan
    assert advantage_rows(OPO, toy(mask=UNEQUAL, reward=reward)) == [0.0] * 4


@given(st.lists(st.floats(-2, 2), min_size=4, max_size=4), st.floats(-1, 1))
def test_no_other_baseline_has_less_variance(rewards, shift):
    """Σ length · advantage² is what the variance grows with; moving every advantage of the group makes it larger."""
    batch = toy(mask=UNEQUAL, reward=torch.tensor(rewards, dtype=torch.float64))
    found = advantages(OPO, batch)[:, 0]
    own, moved = ((batch.lengths * values.square()).sum() for values in (found, found + shift))
    assert own <= moved + 1e-9


@given(st.sampled_from([0.1, 0.3, -0.7, 1 / 3]))
def test_equal_rewards_give_exactly_nothing(value):
    assert advantage_rows(OPO, toy(mask=UNEQUAL, reward=torch.full((4,), value, dtype=torch.float64))) == [0.0] * 4
