"""The reward on screen is explained by what stands below it: components and shaping add up to it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from widgets.recorded.rewards import explain, rounded_reward

VALUES = st.floats(-4, 4, width=32)


@given(st.lists(st.tuples(VALUES, st.floats(0.125, 4, width=32)), min_size=1, max_size=4), VALUES)
def test_weighted_components_and_shaping_add_up_to_the_reward(parts, shaping):
    tables = [{"reward": f"r{place}", "weight": weight} for place, (_, weight) in enumerate(parts)]
    reward = float(np.float32(sum(value * weight for value, weight in parts) + shaping))
    rollout = {
        "reward": reward,
        "parts": [{"name": f"r{place}", "value": value} for place, (value, _) in enumerate(parts)],
    }
    explain([rollout], {"rewards": tables, "method": {"shaping": [{"piece": "overlong"}]}})
    total = sum(part["weight"] * part["value"] for part in rollout["parts"])
    assert abs(total + rollout["shaping"] - reward) <= 1e-5 * max(1.0, abs(total))
    assert rollout["shaped_by"] == ["overlong"]


def test_rounding_in_float32_is_no_shaping():
    third = float(np.float32(1 / 3))
    rollout = {"reward": float(np.float32(third * 3)), "parts": [{"name": name, "value": third} for name in "abc"]}
    explain([rollout], {"rewards": [{"reward": name} for name in "abc"]})
    assert rollout["shaping"] == 0.0


def test_an_unscored_component_or_an_unknown_weight_leaves_the_sum_unknown():
    unscored = {"reward": None, "parts": [{"name": "a", "value": None}]}
    foreign = {"reward": 1.0, "parts": [{"name": "elsewhere", "value": 1.0}]}
    explain([unscored, foreign], {"rewards": [{"reward": "a"}]})
    assert (unscored["shaping"], foreign["shaping"]) == (None, None)


def test_rests_of_floating_point_are_zero_and_have_no_sign():
    assert str(rounded_reward(1.0 - 1.0 + 2.2e-16)) == "0.0"
    assert str(rounded_reward(-1e-12)) == "0.0"
