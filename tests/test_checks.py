"""Warnings about combinations that run and cannot work as meant."""

import dataclasses

import pytest

from workbench.checks import (
    column_warnings,
    idle_warnings,
    method_warnings,
    signal_warnings,
    size_warnings,
    warnings_of,
    weight_warnings,
)
from workbench.config import RunConfig
from workbench.methods.noise_forward import BackwardCorrection
from workbench.pieces.advantage import GroupCentre
from workbench.pieces.shaping import Overlong, OverlongFilter, Scale
from workbench.registry import find_method, methods
from workbench.types import Capabilities

ALL, NONE = Capabilities(), Capabilities(log_probs=False)


def config(method: object = "grpo", **tables: object) -> RunConfig:
    given = {"task": "word_problems", "rewards": ["exact"], "method": method}
    return RunConfig(**{**given, **tables})


@pytest.mark.parametrize("key", sorted(methods()))
def test_no_published_method_contradicts_itself(key):
    assert method_warnings(find_method(key)) == []


@pytest.mark.parametrize("key", ["grpo", "dapo", "reinforce_pp", "psr"])
@pytest.mark.parametrize("piece", [Scale(), BackwardCorrection(accepted=0.1, missed=0.2)])
def test_a_straight_line_under_a_deviation_cancels(key, piece):
    method = dataclasses.replace(find_method(key), shaping=(piece,))
    (found,) = method_warnings(method)
    assert found.startswith(f"method.shaping.0: {piece.name} ")
    assert method.advantage.name in found


@pytest.mark.parametrize("key", ["dr_grpo", "rloo", "noise_backward"])
def test_a_straight_line_under_a_mean_does_not(key):
    assert method_warnings(dataclasses.replace(find_method(key), shaping=(Scale(),))) == []


@pytest.mark.parametrize("piece", [Overlong(), OverlongFilter(), Scale(low=0.0)])
def test_what_depends_on_length_or_does_nothing_is_left_alone(piece):
    assert method_warnings(dataclasses.replace(find_method("grpo"), shaping=(piece,))) == []


def test_of_several_the_one_that_cancels_is_named():
    method = dataclasses.replace(find_method("grpo"), shaping=(Overlong(cache=1.0), Scale(low=-2.0)))
    assert [text.split(":")[0] for text in method_warnings(method)] == ["method.shaping.1"]


@pytest.mark.parametrize(("weight", "advantage", "count"), [(2.0, None, 1), (1.0, None, 0), (2.0, GroupCentre(), 0)])
def test_the_weight_of_the_only_reward(weight, advantage, count):
    method = find_method("grpo")
    method = method if advantage is None else dataclasses.replace(method, advantage=advantage)
    given = config(method, rewards=[{"reward": "exact", "weight": weight}])
    assert len(weight_warnings(given)) == count


def test_two_rewards_may_have_weights():
    given = config(rewards=[{"reward": "exact", "weight": 2.0}, {"reward": "exact", "name": "again"}])
    assert weight_warnings(given) == []


@pytest.mark.parametrize(
    ("key", "size", "share"),
    [("grpo", 2, "50%"), ("grpo", 3, "25%"), ("fg_expo", 2, "50%"), ("grpo", 4, ""), ("psr", 2, ""), ("ppo", 2, "")],
)
def test_groups_of_few(key, size, share):
    found = size_warnings(find_method(key), size)
    assert [f"rollouts.rollouts = {size}: {share} of the groups" in text for text in found] == [True] * bool(share)


def test_a_baseline_over_the_batch_does_not_mind_small_groups():
    assert size_warnings(find_method("reinforce_pp"), 2) == []


def test_a_group_no_outcome_of_which_moves():
    alone = dataclasses.replace(find_method("grpo"), group_size=1)
    (found,) = size_warnings(alone, 1)
    assert "no outcome of such a group moves the policy" in found


def test_signals_the_engine_cannot_give():
    (found,) = signal_warnings(find_method("ssb"), NONE)
    assert found.startswith("method.surrogate reads behaviour_logprob")
    assert signal_warnings(find_method("ssb"), ALL) == []
    assert signal_warnings(find_method("grpo"), NONE) == []


def test_columns_the_data_lack():
    (found,) = column_warnings(config("guide"))
    assert found.startswith("method.controller: hint_the_lost looks for the column 'hint' in the data of word_problems")
    there = find_method("guide").override({"controller": {"hint": "numbers"}})
    assert column_warnings(config(there)) == []
    (found,) = column_warnings(config(find_method("scrl").override({"controller": {"chain": "proof"}})))
    assert "looks for the column 'parts or proof'" in found
    assert column_warnings(config("scrl")) == []


def test_a_method_without_what_it_works_on_is_plain_grpo():
    (found,) = idle_warnings(find_method("recap"))
    assert found.startswith("method.controller: replay has no task to replay")
    given = find_method("recap").override({"controller": {"task": {"task": "sums"}}})
    assert idle_warnings(given) == []
    (found,) = column_warnings(config("trapo"))
    assert "trust_trajectories looks for the column 'labelled'" in found


@pytest.mark.parametrize(
    ("key", "field", "value"), [("ppo", "discount", 0.9), ("ppo", "decay", 0.5), ("vimpo", "beta", 0.1)]
)
def test_a_field_that_stands_twice_must_be_alike(key, field, value):
    alone = find_method(key).override({"advantage": {field: value}})
    (found,) = method_warnings(alone)
    assert f".{field} = " in found
    assert f"method.advantage.{field} = {value}" in found
    both = dataclasses.replace(alone, regularisers=(dataclasses.replace(alone.regularisers[0], **{field: value}),))
    assert method_warnings(both) == []


def test_another_advantage_has_no_such_field():
    assert method_warnings(dataclasses.replace(find_method("ppo"), advantage=GroupCentre())) == []


def test_all_of_a_config():
    luffy = find_method("luffy").override({"controller": {"solution": "proof"}})
    method = dataclasses.replace(luffy, advantage=find_method("grpo").advantage, shaping=(Scale(),))
    found = warnings_of(config(method, rollouts={"rollouts": 2}), ALL)
    assert [text.split(":")[0] for text in found] == [
        "method.shaping.0",
        "rollouts.rollouts = 2",
        "method.controller",
    ]
    assert warnings_of(config(), ALL) == []
