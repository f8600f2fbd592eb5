"""The same loss and gradient as TRL's own trainers compute, on random ragged rollouts (TRL 1.16, comparison only)."""

import dataclasses
import warnings
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.batches import World, loss_and_gradient
from workbench.method import Method, advantages
from workbench.methods.cispo import Cispo
from workbench.pieces.regulariser import K3
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.types import Batch


@pytest.fixture(scope="module")
def trl() -> Any:
    """TRL's two trainers; their imports warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("trl", reason="TRL is not installed (pip install -e '.[dev]')")
        from trl import GRPOTrainer, RLOOTrainer
    return SimpleNamespace(grpo=GRPOTrainer, rloo=RLOOTrainer)


def stand_in(batch: Batch, logprob: Tensor, **settings: object) -> SimpleNamespace:
    """What `_compute_loss` reads of its trainer."""
    accelerator = SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x)
    common = {
        "_get_per_token_logps_and_entropies": lambda *given, **named: (logprob, torch.zeros_like(logprob), None),
        "_metrics": {"train": defaultdict(list)},
        "_entropy_bonus_enabled": False,
        "accelerator": accelerator,
        "args": SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1),
        "aux_loss_enabled": False,
        "beta": 0.0,
        "current_gradient_accumulation_steps": 1,
        "epsilon_high": 0.2,
        "epsilon_low": 0.2,
        "importance_sampling_level": "token",
        "max_completion_length": batch.budget,
        "model": SimpleNamespace(training=True),
        "off_policy_mask_threshold": None,
        "top_entropy_quantile": 1.0,
        "use_vllm": False,
    }
    return SimpleNamespace(**{**common, **settings})


def inputs(method: Method, batch: Batch) -> dict[str, Tensor]:
    """The rollouts as TRL holds them, with our advantages."""
    mask = batch.mask.long()
    prompt = torch.ones(len(mask), 1, dtype=torch.long)
    return {
        "prompt_ids": prompt,
        "prompt_mask": prompt,
        "completion_ids": mask,
        "completion_mask": mask,
        "advantages": advantages(method, batch)[:, 0],
        "old_per_token_logps": batch.old_logprob,
        "old_logps": (batch.old_logprob * mask).sum(1),
        "ref_per_token_logps": batch.extras.get("ref_logprob", batch.old_logprob),
        "num_items_in_batch": mask.sum(),
    }


CASES = {
    "grpo": ({}, {"loss_type": "dapo"}),
    "grpo_paper": ({"regularisers": (K3(coefficient=0.04, cap=None),)}, {"loss_type": "grpo", "beta": 0.04}),
    "dr_grpo": ({}, {"loss_type": "dr_grpo"}),
    "dapo": ({}, {"loss_type": "dapo", "epsilon_high": 0.28}),
    "gspo": (
        {"surrogate": Clip(low=0.05, high=0.05)},
        {"loss_type": "grpo", "importance_sampling_level": "sequence", "epsilon_low": 0.05, "epsilon_high": 0.05},
    ),
    "cispo": ({"surrogate": Cispo(high=1.1, absolute=True)}, {"loss_type": "cispo", "epsilon_high": 1.1}),
    "luspo": (
        {"surrogate": Clip(low=0.05, high=0.05)},
        {"loss_type": "luspo", "importance_sampling_level": "sequence", "epsilon_low": 0.05, "epsilon_high": 0.05},
    ),
    "rloo": ({}, None),
}


@pytest.mark.parametrize("key", CASES)
def test_same_loss_and_gradient(trl, key):
    ours, settings = CASES[key]
    method = dataclasses.replace(find_method(key), **ours)
    batch = World(11).batch(method)
    loss, gradient = loss_and_gradient(method, batch)
    leaf = batch.logprob.detach().requires_grad_()
    trainer = trl.rloo if settings is None else trl.grpo
    expected = trainer._compute_loss(stand_in(batch, leaf, **(settings or {})), None, inputs(method, batch))
    (theirs,) = torch.autograd.grad(expected, [leaf])
    assert loss == pytest.approx(expected.item(), abs=1e-6)
    torch.testing.assert_close(gradient, theirs, atol=1e-7, rtol=1e-5)
    assert gradient.abs().max() > 0
