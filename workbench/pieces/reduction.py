"""Reductions that two or more papers share: how much each token weighs in the loss."""

from dataclasses import dataclass

import torch

from workbench.kinds import Reduction
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class TokenMean(Reduction):
    """Every token of the update weighs the same. DAPO, arXiv:2503.14476, section 3.3."""

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        return torch.ones_like(advantage) / batch.mask.sum().clamp(min=1)
