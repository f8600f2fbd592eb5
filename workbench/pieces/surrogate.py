"""Policy losses that two or more papers share."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Surrogate
from workbench.types import Batch, PerToken

Low = Annotated[float, Field(ge=0, description="how far the ratio may fall below 1")]
High = Annotated[float, Field(ge=0, description="how far the ratio may rise above 1")]
Dual = Annotated[float | None, Field(gt=1, description="most a bad token's ratio may count; verl: 3")]


@dataclass(frozen=True)
class Clip(Surrogate):
    """PPO's clipped objective, its two bounds apart ("clip-higher"). DAPO, arXiv:2503.14476, section 3.1.

    loss = -min(ratio · advantage, clamp(ratio, 1 - low, 1 + high) · advantage); the gradient flows through the
    ratio alone. `dual` bounds the loss of a negative advantage by -dual · advantage (arXiv:1912.09729, section 5.2).
    """

    low: Low = 0.2
    high: High = 0.2
    dual: Dual = None

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        clamped = ratio.clamp(1 - self.low, 1 + self.high)
        loss = -torch.minimum(ratio * advantage, clamped * advantage)
        if self.dual is None:
            return loss
        return torch.where(advantage < 0, torch.minimum(loss, -self.dual * advantage), loss)
