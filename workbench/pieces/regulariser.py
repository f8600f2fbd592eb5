"""Losses beside the policy's that two or more papers share: distance to the reference, and entropy.

With x = logprob - ref_logprob of a sampled token: k1 = x, k2 = x²/2, k3 = exp(-x) - 1 + x. On the policy's own
samples k1 and k3 are unbiased for KL(policy ‖ reference); but as losses the gradient of k1 is 0 on average, that of
k2 is the gradient of KL(policy ‖ reference), that of k3 is the gradient of KL(reference ‖ policy).
John Schulman, "Approximating KL divergence"; arXiv:2506.09477.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Reduction, Regulariser
from workbench.types import Batch, PerToken

Coefficient = Annotated[float, Field(ge=0, description="its weight in the loss; 0: off")]
Difference = Annotated[float, Field(gt=0, le=80, description="bound on |logprob - ref_logprob|")]
Cap = Annotated[float | None, Field(gt=0, description="bound on the estimate itself; verl: 10")]
OffPolicy = Annotated[bool, Field(description="times the ratio, which corrects its gradient off-policy (TRL)")]
Straight = Annotated[bool, Field(description="its value with the gradient of k2 (verl's k1+, k3+)")]
OwnReduction = Annotated[Reduction | None, Field(description="how tokens are weighed; none: as in the policy loss")]


def capped(estimate: PerToken, cap: float | None) -> PerToken:
    """An estimate bounded to [-cap, cap], [rollout, token]; its gradient is 0 beyond the cap."""
    return estimate if cap is None else estimate.clamp(-cap, cap)


def as_loss(batch: Batch, estimate: PerToken, coefficient: float, off_policy: bool) -> PerToken:
    """An estimate as a loss, [rollout, token]: times the ratio with `off_policy`, and times the coefficient."""
    if off_policy:
        estimate = estimate * (batch.logprob - batch.old_logprob).clamp(-20.0, 20.0).exp()
    return coefficient * estimate


def difference(batch: Batch, bound: float) -> PerToken:
    """logprob - ref_logprob, bounded."""
    return (batch.logprob - batch["ref_logprob"]).clamp(-bound, bound)


def straight_through(estimate: PerToken, batch: Batch) -> PerToken:
    """The value of an estimate with the gradient of k2, [rollout, token].

    The gradient is that of the unbounded difference: where a bound or a cap holds the value, the policy is furthest
    from the reference and the gradient matters most.
    """
    k2 = (batch.logprob - batch["ref_logprob"]).square() / 2
    return estimate.detach() + (k2 - k2.detach())


def reference(coefficient: float) -> frozenset[str]:
    """A coefficient of 0 needs no reference."""
    return frozenset({"ref_logprob"} if coefficient else ())


@dataclass(frozen=True)
class K1(Regulariser):
    """loss = coefficient · x. On the policy's own samples its gradient is 0 on average: meant for the reward."""

    coefficient: Coefficient = 0.0
    bound: Difference = 20.0
    cap: Cap = None
    straight: Straight = False
    off_policy: OffPolicy = False
    reduction: OwnReduction = None

    @property
    def needs(self) -> frozenset[str]:
        return reference(self.coefficient)

    def __call__(self, batch: Batch) -> PerToken:
        if not self.coefficient:
            return torch.zeros_like(batch.logprob)
        x = difference(batch, self.bound)
        estimate = capped(x, self.cap)
        if self.straight:
            estimate = straight_through(estimate, batch)
        return as_loss(batch, estimate, self.coefficient, self.off_policy)


@dataclass(frozen=True)
class K2(Regulariser):
    """loss = coefficient · x² / 2, whose gradient is that of KL(policy ‖ reference)."""

    coefficient: Coefficient = 0.0
    bound: Difference = 20.0
    cap: Cap = None
    off_policy: OffPolicy = False
    reduction: OwnReduction = None

    @property
    def needs(self) -> frozenset[str]:
        return reference(self.coefficient)

    def __call__(self, batch: Batch) -> PerToken:
        if not self.coefficient:
            return torch.zeros_like(batch.logprob)
        x = difference(batch, self.bound)
        return as_loss(batch, capped(x.square() / 2, self.cap), self.coefficient, self.off_policy)


@dataclass(frozen=True)
class K3(Regulariser):
    """loss = coefficient · (exp(-x) - 1 + x), whose gradient is that of KL(reference ‖ policy). GRPO's own."""

    coefficient: Coefficient = 0.0  # DeepSeekMath: 0.04; both libraries: 0
    bound: Difference = 20.0  # verl
    cap: Cap = 10.0  # verl
    straight: Straight = False
    off_policy: OffPolicy = False
    reduction: OwnReduction = None

    @property
    def needs(self) -> frozenset[str]:
        return reference(self.coefficient)

    def __call__(self, batch: Batch) -> PerToken:
        if not self.coefficient:
            return torch.zeros_like(batch.logprob)
        x = difference(batch, self.bound)
        estimate = capped(torch.expm1(-x) + x, self.cap)
        if self.straight:
            estimate = straight_through(estimate, batch)
        return as_loss(batch, estimate, self.coefficient, self.off_policy)


@dataclass(frozen=True)
class EntropyBonus(Regulariser):
    """loss = -coefficient · entropy: rewards high entropy. A3C, arXiv:1602.01783, section 4."""

    coefficient: Coefficient = 0.0
    reduction: OwnReduction = None

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"entropy"} if self.coefficient else ())

    def __call__(self, batch: Batch) -> PerToken:
        if not self.coefficient:
            return torch.zeros_like(batch.logprob)
        return -self.coefficient * batch["entropy"]
