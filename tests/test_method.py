"""The arithmetic of an update, and that every slot can hold what a method may want to put there."""

import dataclasses
import math

import pytest
import torch

from tests.batches import EQUAL, OLD, assert_close, loss_and_gradient, toy
from tests.example_pieces import EXAMPLE, Fit
from workbench.config import RunConfig
from workbench.method import (
    advantages,
    carries_gradient,
    derive,
    lens,
    lens_all,
    objective,
    settle,
    slot_kinds,
)
from workbench.methods.temporal_schedule import Forking
from workbench.pieces.reduction import SequenceSum
from workbench.pieces.regulariser import K2, EntropyBonus
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.types import Batch

GRPO = find_method("grpo")


@pytest.mark.parametrize("empty", ["none", []])
def test_a_slot_of_several_can_be_emptied_in_a_config(empty):
    assert find_method("fg_expo").override({"regularisers": empty}).regularisers == ()


def test_an_emptied_slot_stays_empty_through_a_file():
    given = RunConfig(task="sums", rewards=["exact"], method={"method": "fg_expo", "sampler": "none"})
    assert given.method.sampler is None
    assert RunConfig.from_toml(given.to_toml()) == given


def test_only_what_may_be_empty_can_be_emptied():
    with pytest.raises(ValueError, match=r"method\.ratio: no ratio is called 'none'"):
        GRPO.override({"ratio": "none"})
    with pytest.raises(ValueError, match=r"no sampler is called 'nobody'; .*; 'none' leaves the slot empty"):
        GRPO.override({"sampler": "nobody"})


def test_a_regularisers_own_reduction_is_a_piece_like_any_other():
    weigh = Forking()  # reads a signal of the sampling policy
    method = dataclasses.replace(GRPO, regularisers=(EntropyBonus(coefficient=0.3, reduction=weigh),))
    assert dict(method.pieces())["regularisers.0.reduction"] == weigh
    assert method.needs == {"entropy", "old_entropy"}


# --------------------------------------------------------------------------------------- the objective


def test_objective_is_the_weighted_sum_of_its_parts():
    entropy = torch.full((4, 3), 0.5, dtype=torch.float64)
    method = dataclasses.replace(
        GRPO,
        surrogate_weight=0.5,
        regularisers=(K2(coefficient=0.1), EntropyBonus(coefficient=0.01, reduction=SequenceSum())),
    )
    batch = toy(entropy=entropy)
    policy = loss_and_gradient(GRPO, batch)[0]
    k2 = 0.1 * ((batch.logprob - batch["ref_logprob"]).square() / 2).mean().item()
    bonus = -0.01 * 0.5 * 12 / 4  # its own reduction: tokens added, rollouts averaged
    assert_close(loss_and_gradient(method, batch)[0], 0.5 * policy + k2 + bonus, 1e-9)


def test_lens_is_minus_the_gradient():
    push = lens(GRPO, toy())
    assert_close(push, -loss_and_gradient(GRPO, toy())[1], 1e-12)
    assert push[0, 0] > 0  # a right answer's token is told to become likelier
    assert push[1, 0] < 0


def test_lens_all_names_every_leaf_the_method_reads():
    method = dataclasses.replace(GRPO, regularisers=(EntropyBonus(coefficient=0.3),))
    pushes = lens_all(method, toy(entropy=torch.ones(4, 3, dtype=torch.float64)))
    assert set(pushes) == {"logprob", "entropy"}
    assert_close(pushes["entropy"], torch.full((4, 3), 0.3 / 12))


def test_a_missing_signal_says_how_to_get_it():
    method = dataclasses.replace(GRPO, regularisers=(EntropyBonus(coefficient=0.3),))
    with pytest.raises(
        ValueError, match="signal entropy was not recorded: compute it with workbench signals RUN --add entropy"
    ):
        lens(method, toy())


def test_a_batch_of_unscored_rollouts_pushes_nothing():
    nan = torch.full((4,), math.nan, dtype=torch.float64)
    assert (lens(GRPO, toy(reward=nan)) == 0).all()
    assert (advantages(GRPO, toy(reward=nan)) == 0).all()


def test_a_stored_advantage_stays():
    stored = torch.full((4, 3), math.nan, dtype=torch.float64)
    stored[2] = 0.25
    found = advantages(GRPO, toy(stored_advantage=stored))
    assert_close(found[2], [0.25, 0.25, 0.25])
    assert_close(found[0], advantages(GRPO, toy())[0])


def test_the_settled_advantage_may_come_from_a_larger_batch():
    """An update over two of four rollouts keeps the advantage that all four gave."""
    batch = toy()
    advantage = advantages(GRPO, batch)
    part = batch.rows(torch.tensor([0, 3]))
    settled = settle(GRPO, part, advantage[[0, 3]])
    assert_close(settled.advantage[:, 0], [0.8660, 0.8660])
    assert_close(settled.weight.sum().item(), 1.0)


def test_settled_rows_slice_constants_with_the_rollouts():
    method = dataclasses.replace(EXAMPLE, advantage=GRPO.advantage, regularisers=(Fit(),))
    settled = settle(method, toy(value=torch.zeros(4, 3, dtype=torch.float64)))
    part = settled.rows(torch.tensor([1, 2]))
    assert part.constants["regularisers.0"]["target"].shape == (2,)
    assert part.weight.shape == part.regulariser_weights[0].shape == (2, 3)


def test_half_precision_is_lifted_before_any_arithmetic():
    """A ratio of 1.001 is nothing bfloat16 could hold; GSPO's bounds lie still closer to 1."""
    difference = 0.0078125
    logprob = torch.full((2, 2), -1.0, dtype=torch.bfloat16) + difference
    batch = Batch(
        logprob=logprob,
        old_logprob=torch.full((2, 2), -1.0, dtype=torch.bfloat16),
        mask=torch.ones(2, 2, dtype=torch.bool),
        reward=torch.tensor([1.0, 0.0], dtype=torch.bfloat16),
        group=torch.zeros(2, dtype=torch.long),
    )
    loss = objective(GRPO, batch, settle(GRPO, batch))
    assert loss.dtype == torch.float32
    assert_close(loss, 0.0, 1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("entropy", True),
        ("kl", True),
        ("value", True),
        ("logprob@hint", True),
        ("old_logprob@hint", False),
        ("ref_entropy", False),
        ("behaviour_logprob", False),
        ("truncated", False),
        ("top_probs", False),
    ],
)
def test_which_signals_carry_gradient(name, expected):
    assert carries_gradient(name) is expected


# ----------------------------------------------------------------------------------- methods as data


def test_derive_changes_slots_and_texts():
    child = derive(GRPO, title="a", paper="b", equation="c", changes="d", reduction=SequenceSum())
    assert (child.title, child.reduction, child.advantage) == ("a", SequenceSum(), GRPO.advantage)
    assert child.key == ""


def test_derive_demands_four_texts():
    with pytest.raises(TypeError, match="changes"):
        derive(GRPO, title="a", paper="b", equation="c")


def test_override_keeps_the_fields_left_out():
    assert GRPO.override({"surrogate": {"high": 0.28}}).surrogate == Clip(low=0.2, high=0.28)
    assert GRPO.override({"surrogate_weight": 2}).surrogate_weight == 2.0
    assert GRPO.override({"advantage": "leave_one_out"}).advantage.name == "leave_one_out"


def test_override_names_every_mistake_at_once():
    with pytest.raises(ValueError) as caught:
        GRPO.override(
            {
                "surrogate": {"high": -1},
                "ratio": "no_such",
                "losses": 1,
                "reduction": {"lenght": 3},
                "surrogate_weight": "x",
            }
        )
    text = str(caught.value)
    for part in (
        "clip.high = -1",
        "no ratio is called 'no_such'",
        "method.losses: there is no such slot",
        "'lenght'",
        "'x': give a finite",
    ):
        assert part in text


def test_a_piece_in_the_wrong_slot_is_refused():
    with pytest.raises(ValueError, match="no advantage is called 'token_mean'"):
        GRPO.override({"advantage": "token_mean"})


def test_every_slot_is_a_field_of_method():
    fields = {field.name for field in dataclasses.fields(GRPO)}
    assert set(slot_kinds()) <= fields


def test_an_unknown_method_is_answered_with_the_nearest_and_with_all():
    with pytest.raises(ValueError, match=r"'grppo' \(did you mean 'grpo'\?\); there are: ace, ace_reason, .*grpo"):
        find_method("grppo")
    with pytest.raises(
        ValueError, match=r"\(did you mean 'dgpo' or 'gdpo' or 'gmpo' or 'grpo' or 'gspo' or 'prof' or 'sgpo'\?\)"
    ):  # none nearer than another
        find_method("gpro")
    with pytest.raises(ValueError, match=r"no method is called 'Q'; there are: "):
        find_method("Q")


def test_shapes_are_checked_while_tests_run(request):
    if not request.config.getoption("jaxtyping_packages"):
        pytest.skip("no shape checks asked for: make test asks for them")
    with pytest.raises(TypeError):
        Batch(logprob=OLD[0], old_logprob=OLD, mask=EQUAL, reward=OLD[:, 0], group=torch.zeros(4, dtype=torch.long))
