"""Truncated importance weights for what the engine drew unlike the trainer: by hand, and against TRL's own lines."""

import dataclasses
import inspect
import math
import textwrap
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.batches import UNEQUAL, World, assert_close, loss_and_gradient, toy
from tests.example_pieces import Ranked
from tests.methods.test_against_trl import inputs, stand_in
from workbench.method import Method, lens, settle
from workbench.pieces.correction import Truncated
from workbench.pieces.regulariser import K3
from workbench.registry import find_method
from workbench.types import Batch

GRPO = find_method("grpo")
TWO, THREE = math.log(2), math.log(3)
#: The trainer's log-prob less the engine's: twice, thrice and half as likely, or the same.
GAP = torch.tensor([[TWO, THREE, -TWO], [THREE, 0.0, 0.0], [-TWO, -TWO, 9.0], [0.0, 0.0, 0.0]], dtype=torch.float64)


def batch_with_gap(**changes: Any) -> Batch:
    """The group worked by hand, drawn by an engine that thought otherwise; its mask leaves three tokens out."""
    batch = toy(mask=UNEQUAL)
    return batch.extend(engine_logprob=batch.old_logprob - GAP, **changes)


def test_token_weights_by_hand() -> None:
    assert_close(Truncated()(batch_with_gap()), [[2, 2, 0.5], [2, 1, 1], [0.5, 0.5, 1], [1, 1, 1]])
    assert_close(Truncated(cap=2.5)(batch_with_gap())[:2, :2], [[2, 2.5], [2.5, 1]])
    masked = Truncated(beyond="mask")(batch_with_gap())
    assert_close(masked, [[2, 0, 0.5], [0, 1, 1], [0.5, 0.5, 1], [1, 1, 1]])


def test_sequence_weights_by_hand() -> None:
    """2 · 3 / 2 = 3; 3; 1/4; 1: the token that is not trained does not count."""
    weights = Truncated(level="sequence", cap=4)(batch_with_gap())
    assert_close(weights[UNEQUAL], [3, 3, 3, 3, 0.25, 0.25, 1, 1, 1])
    cut = Truncated(level="sequence")(batch_with_gap())
    assert_close(cut[UNEQUAL], [2, 2, 2, 2, 0.25, 0.25, 1, 1, 1])
    masked = Truncated(level="sequence", beyond="mask")(batch_with_gap())
    assert_close(masked[UNEQUAL], [0, 0, 0, 0, 0.25, 0.25, 1, 1, 1])


def test_tokens_of_another_writer_are_another_pieces_matter() -> None:
    given = torch.zeros(4, 3, dtype=torch.float64)
    given[0] = 1.0
    assert_close(Truncated()(batch_with_gap(off_policy=given))[0], [1, 1, 1])
    unknown = batch_with_gap()
    unknown = unknown.extend(engine_logprob=torch.where(given > 0, torch.nan, unknown["engine_logprob"]))
    assert_close(Truncated()(unknown)[:2, 0], [1, 2])


def test_it_weighs_the_surrogate_and_nothing_else() -> None:
    batch = batch_with_gap()
    kl = K3(coefficient=0.3)
    for regularisers in ((), (kl,)):
        plain = dataclasses.replace(GRPO, regularisers=regularisers)
        weighed = dataclasses.replace(plain, correction=Truncated())
        alone = dataclasses.replace(plain, surrogate_weight=0.0)
        pushes = {name: lens(method, batch) for name, method in (("plain", plain), ("off", alone), ("on", weighed))}
        own = pushes["plain"] - pushes["off"]
        torch.testing.assert_close(pushes["on"], own * Truncated()(batch) + pushes["off"])
    settled = settle(dataclasses.replace(GRPO, correction=Truncated(), regularisers=(kl,)), batch)
    torch.testing.assert_close(settled.weight, settled.regulariser_weights[0] * Truncated()(batch))


def test_any_method_takes_it_from_its_table_unless_it_has_no_tokens() -> None:
    method = GRPO.override({"correction": {"piece": "truncated", "level": "sequence", "cap": 3}})
    assert method.correction == Truncated("sequence", 3.0)
    assert {"old_logprob", "engine_logprob"} <= method.needs
    assert method.to_dict()["correction"] == Truncated("sequence", 3.0).to_dict()
    plain = GRPO.override({"correction": "truncated"})
    assert plain.override({"correction": {"cap": 5}}).correction == Truncated(cap=5)
    with pytest.raises(ValueError, match=r"correction = 'truncated': ranked returns one number .* leave it out"):
        dataclasses.replace(GRPO, surrogate=Ranked(), correction=Truncated())


# ------------------------------------------------------------------------------------------- TRL


@pytest.fixture(scope="module")
def trl() -> Any:
    """TRL's trainer; its import warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("trl", reason="TRL is not installed (pip install -e '.[dev]')")
        from trl import GRPOTrainer
    return GRPOTrainer


def trl_ratio(trainer: Any, batch: Batch, mode: str, cap: float, floor: float | None = None) -> Tensor:
    """The weights by the lines of TRL's own `_generate_and_score_completions`."""
    source = inspect.getsource(trainer._generate_and_score_completions)
    begin = source.index("per_token_logps_diff = (")
    end = source.index("                else:\n                    raise ValueError(\n", begin)
    names = {
        "self": SimpleNamespace(
            vllm_importance_sampling_mode=mode,
            vllm_importance_sampling_clip_max=cap,
            vllm_importance_sampling_clip_min=floor,
        ),
        "old_per_token_logps": batch.old_logprob,
        "sampling_per_token_logps": batch["engine_logprob"],
        "mask": batch.mask.long(),
        "torch": torch,
        "math": math,
    }
    exec(textwrap.dedent(" " * 16 + source[begin:end]), names)
    return names["vllm_importance_sampling_ratio"]


@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("beyond", ["truncate", "mask"])
@pytest.mark.parametrize("floor", [None, 0.8])
def test_the_weights_are_trls(trl: Any, level: str, beyond: str, floor: float | None) -> None:
    piece = Truncated(level, 1.3, beyond, floor or 0.0)
    for seed in range(3):
        world = World(seed)
        method = dataclasses.replace(GRPO, correction=piece)
        batch = noisy(world.batch(method), world)
        theirs = trl_ratio(trl, batch, f"{level}_{beyond}", 1.3, floor).expand_as(batch.mask)
        torch.testing.assert_close(piece(batch)[batch.mask], theirs[batch.mask])
        assert 0 < (piece(batch)[batch.mask] != 1).float().mean() <= 1


TRL_LOSSES = {
    "grpo": {"loss_type": "dapo"},
    "dr_grpo": {"loss_type": "dr_grpo"},
    "grpo_paper": {"loss_type": "grpo", "beta": 0.04},
}


@pytest.mark.parametrize("key", TRL_LOSSES)
def test_loss_and_gradient_are_trls(trl: Any, key: str) -> None:
    """TRL weighs the surrogate alone too, before it adds the KL."""
    kl = {"regularisers": (K3(coefficient=0.04, cap=None),)} if key == "grpo_paper" else {}
    method = dataclasses.replace(find_method(key), correction=Truncated("sequence", 1.3), **kl)
    world = World(11)
    batch = noisy(world.batch(method), world)
    loss, gradient = loss_and_gradient(method, batch)
    leaf = batch.logprob.detach().requires_grad_()
    drawn = {"use_vllm": True, "vllm_importance_sampling_correction": True}
    given = inputs(method, batch) | {"importance_sampling_ratio": trl_ratio(trl, batch, "sequence_truncate", 1.3)}
    expected = trl._compute_loss(stand_in(batch, leaf, **drawn, **TRL_LOSSES[key]), None, given)
    (theirs,) = torch.autograd.grad(expected, [leaf])
    assert loss == pytest.approx(expected.item(), abs=1e-6)
    torch.testing.assert_close(gradient, theirs, atol=1e-7, rtol=1e-5)


def noisy(batch: Batch, world: World) -> Batch:
    """The batch with an engine that differs a little, and without rows of another writer."""
    extras = {name: value for name, value in batch.extras.items() if name not in ("off_policy", "behaviour_logprob")}
    gap = 0.4 * world.normal(*batch.mask.shape)
    return batch.replace(extras={**extras, "engine_logprob": batch.old_logprob - gap})


@pytest.mark.parametrize("key", ["grpo", "gspo", "dapo", "cispo", "luffy", "cepo"])
def test_micro_batches_add_up_with_it(key: str) -> None:
    method: Method = dataclasses.replace(find_method(key), correction=Truncated("sequence"))
    world = World(5)
    batch = world.batch(method)
    batch = batch.extend(engine_logprob=batch.old_logprob - 0.3 * world.normal(*batch.mask.shape))
    loss, whole = loss_and_gradient(method, batch)
    settled = settle(method, batch)
    assert math.isfinite(loss)
    rows = torch.arange(4)
    torch.testing.assert_close(settled.rows(rows).weight, settled.weight[:4])
    assert not torch.allclose(whole, loss_and_gradient(dataclasses.replace(method, correction=None), batch)[1])
