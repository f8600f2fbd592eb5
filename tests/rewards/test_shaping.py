"""Shaping: from the sum of the parts to the final reward."""

import math

import pytest

from tests.rewards.reward_examples import make_rollout
from workbench.pieces.shaping import Overlong, OverlongFilter, Scale
from workbench.types import Finish, Group, Problem


def group_of(*lengths: int, finish: Finish = "stop") -> Group:
    return Group(0, Problem("7", "", ""), [make_rollout("", index, size, finish) for index, size in enumerate(lengths)])


def test_overlong_worked_by_hand() -> None:
    """The paper's numbers: limit 20480, the last 4096 of them punished."""
    shaping = Overlong(cache_tokens=4096)
    group = group_of(10000, 16384, 18432, 20480, 20481)
    assert shaping(group, [0.0] * 5, 20480) == [0.0, 0.0, -0.5, -1.0, -1.0]
    # right at 12000 and 20000, wrong at 9000 and 20480: (16384 - 20000) / 4096 = -.8828
    shaped = shaping(group_of(12000, 20000, 9000, 20480), [1.0, 1.0, -1.0, -1.0], 20480)
    assert shaped == pytest.approx([1.0, 0.1171875, -1.0, -2.0])


def test_overlong_cache_as_a_share_and_own_limit() -> None:
    # limit 50, a tenth of it is 5: soft limit 45, so 48 tokens cost 3 / 5 of half a point
    assert Overlong(cache=0.1, limit=50, weight=0.5)(group_of(48), [1.0], 1000) == pytest.approx([0.7])
    assert Overlong(cache_tokens=500)(group_of(50), [0.0], 100) == [-0.5]  # a cache beyond the limit begins at 0


def test_overlong_leaves_unscored_ones_unscored() -> None:
    assert math.isnan(Overlong()(group_of(10), [math.nan], 100)[0])


def test_filter_leaves_out_what_the_budget_ended() -> None:
    group = group_of(4, 4)
    group.rollouts[1].finish = "length"
    assert OverlongFilter()(group, [1.0, 1.0], 4) == pytest.approx([1.0, math.nan], nan_ok=True)


def test_scale() -> None:
    assert Scale()(group_of(1, 1, 1), [0.0, 1.0, 0.5], 4) == [-1.0, 1.0, 0.0]


def test_bounds() -> None:
    with pytest.raises(ValueError, match=r"overlong.cache = 0"):
        Overlong(cache=0.0)
    with pytest.raises(ValueError, match=r"scale.high = inf"):
        Scale(high=math.inf)
