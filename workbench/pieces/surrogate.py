"""Policy losses that two or more papers share."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Surrogate
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class Clip(Surrogate):
    """PPO's clipped objective, its two bounds apart ("clip-higher"). DAPO, arXiv:2503.14476, section 3.1.

    loss = -min(ratio · advantage, clamp(ratio, 1 - low, 1 + high) · advantage); the gradient flows through the
    ratio alone.
    """

    low: Annotated[float, Field(ge=0, description="how far the ratio may fall below 1")] = 0.2
    high: Annotated[float, Field(ge=0, description="how far the ratio may rise above 1")] = 0.2

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        clamped = ratio.clamp(1 - self.low, 1 + self.high)
        return -torch.minimum(ratio * advantage, clamped * advantage)
