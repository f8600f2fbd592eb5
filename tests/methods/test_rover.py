"""ROVER, worked by hand over four symbols."""

import torch

from tests.batches import assert_close, loss_and_gradient
from workbench.method import lens_all
from workbench.registry import find_method
from workbench.types import Batch

OLD = torch.tensor([[1, 0, -1, 0], [2, 0, 0, 0], [0, 1, 0, -1]], dtype=torch.float64)
NEW = torch.tensor([[1.2, 0, -1, 0], [2, 0.3, 0, 0], [0, 1.1, 0.1, -1]], dtype=torch.float64)
ACTIONS = torch.tensor([0, 1, 1])


def batch(logits: torch.Tensor) -> Batch:
    """One rollout with a centred reward of .5; its sibling has no trained token."""

    def read(table: torch.Tensor) -> dict[str, torch.Tensor]:
        chosen = table.log_softmax(-1).gather(1, ACTIONS[:, None])[:, 0]
        found = {"logprob": chosen, "logsumexp": table.logsumexp(-1), "mean_logit": table.mean(-1)}
        return {name: torch.stack([value, torch.zeros_like(value)]) for name, value in found.items()}

    now, old = read(logits), read(OLD)
    return Batch(
        logprob=now.pop("logprob"),
        old_logprob=old.pop("logprob"),
        mask=torch.tensor([[True] * 3, [False] * 3]),
        reward=torch.tensor([1.0, 0.0], dtype=torch.float64),
        group=torch.zeros(2, dtype=torch.long),
        extras={**now, **{f"old_{name}": value for name, value in old.items()}},
    )


def test_squared_bellman_error():
    loss, gradient = loss_and_gradient(find_method("rover"), batch(NEW))
    assert_close(loss, 0.158101, 1e-6)
    value = torch.tensor([0.088165, 0.266879, 0.025926], dtype=torch.float64)
    target = torch.tensor([0.541879, 0.475926, 0.5], dtype=torch.float64)
    assert_close(gradient[0], 2 * (value - target) / 3, 1e-6)


def test_at_the_sampling_policy_it_is_reinforce_with_a_baseline():
    _, gradient = loss_and_gradient(find_method("rover"), batch(OLD))
    assert_close(gradient[0], [-0.333333] * 3, 1e-6)


def test_the_target_is_a_constant():
    pushes = lens_all(find_method("rover"), batch(NEW))
    assert (pushes["mean_logit"] == 0).all()
    assert (pushes["logsumexp"] == 0).all()
