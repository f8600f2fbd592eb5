"""PPO with a critic: a learned value of every token is the baseline, its temporal differences the advantage."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from workbench.kinds import Advantage, Head, Regulariser
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import whiten
from workbench.pieces.reduction import TokenMean
from workbench.pieces.regulariser import OwnReduction
from workbench.pieces.reward_kl import RewardKl, reads, token_reward
from workbench.types import Batch, Constants, Mask, PerToken

Discount = Annotated[float, Field(gt=0, le=1, description="of later rewards (gamma)")]
Decay = Annotated[float, Field(ge=0, le=1, description="of later temporal differences (lambda)")]


def generalised(reward: PerToken, value: PerToken, mask: Mask, discount: float, decay: float) -> PerToken:
    """Generalised advantage estimate. arXiv:1506.02438, equation 16; tokens outside the mask are stepped over.

    delta[t] = reward[t] + discount · value[t + 1] - value[t];  out[t] = delta[t] + discount · decay · out[t + 1]
    `value[t]` is the value before token t was generated; after the last token it is 0.
    """
    later: Tensor = torch.zeros_like(value[:, 0])
    carried, columns = torch.zeros_like(later), []
    for column in reversed(range(value.shape[1])):
        inside, now = mask[:, column], value[:, column]
        found = reward[:, column] + discount * later - now + discount * decay * carried
        carried, later = torch.where(inside, found, carried), torch.where(inside, now, later)
        columns.append(torch.where(inside, found, 0.0))
    return torch.stack(columns[::-1], dim=1)


@dataclass(frozen=True)
class Gae(Advantage):
    """Generalised advantages of a critic, whitened over the batch. PPO, arXiv:1707.06347, section 5.

    Reads the critic as it was when it sampled (`old_value`).
    """

    discount: Discount = 1.0
    decay: Decay = 1.0  # verl, OpenRLHF; TRL: 0.95
    reward_kl: RewardKl = 0.0  # TRL: 0.05
    whitened: Annotated[bool, Field(description="to mean 0 and deviation 1 over the batch")] = True  # verl, OpenRLHF

    @property
    def over_batch(self) -> bool:
        return self.whitened

    @property
    def needs(self) -> frozenset[str]:
        return reads(self.reward_kl) | {"old_value"}

    def __call__(self, batch: Batch) -> PerToken:
        reward = token_reward(batch, self.reward_kl)
        advantage = generalised(reward, batch["old_value"], batch.mask, self.discount, self.decay)
        return whiten(advantage, batch.mask) if self.whitened else advantage


@dataclass(frozen=True)
class ValueLoss(Regulariser):
    """Squared error of the critic, its move since sampling clipped. PPO as in verl and TRL.

    loss = coefficient / 2 · max((value - return)², (clamp(value, old_value ± clip) - return)²),
    return = advantage before whitening + old_value. discount, decay, reward_kl: as in the advantage. The head's size
    and learning rate are this file's choice: the libraries train a second network.
    """

    follows: ClassVar[tuple[str, ...]] = ("discount", "decay", "reward_kl")

    coefficient: Annotated[float, Field(ge=0, description="its weight in the loss")] = 0.1  # TRL
    clip: Annotated[float | None, Field(gt=0, description="how far a value may move; none: freely")] = 0.5  # verl
    discount: Discount = 1.0
    decay: Decay = 1.0
    reward_kl: RewardKl = 0.0
    hidden: Annotated[int, Field(ge=0, description="units of the critic's hidden layer; 0: linear")] = 0
    learning_rate: Annotated[float, Field(gt=0, description="the critic's own")] = 1e-3
    detach: Annotated[bool, Field(description="keep the critic's error out of the policy's weights")] = False
    reduction: OwnReduction = TokenMean()

    @property
    def needs(self) -> frozenset[str]:
        return reads(self.reward_kl) | {"value", "old_value"}

    @property
    def heads(self) -> tuple[Head, ...]:
        return (Head("value", self.hidden, self.learning_rate, self.detach),)

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        reward, value = token_reward(batch, self.reward_kl), batch["old_value"]
        return {"returns": value + generalised(reward, value, batch.mask, self.discount, self.decay)}

    def __call__(self, batch: Batch) -> PerToken:
        value, old, returns = batch["value"], batch["old_value"], batch["returns"]
        error = (value - returns).square()
        if self.clip is not None:
            held = torch.minimum(torch.maximum(value, old - self.clip), old + self.clip)
            error = torch.maximum(error, (held - returns).square())
        return self.coefficient * error / 2


METHODS = {
    "ppo": derive(
        GRPO,
        title="PPO",
        paper="arXiv:1707.06347, with arXiv:1506.02438",
        equation=r"A_t=\sum_{l\ge0}(\gamma\lambda)^l\delta_{t+l},\quad\delta_t=r_t+\gamma V_{t+1}-V_t,\quad"
        r"\mathcal L=\mathcal L_{clip}+\tfrac c2\max\big((V-\hat G)^2,(\mathrm{clip}(V)-\hat G)^2\big)",
        changes="a learned value of every token is the baseline, so that tokens of one completion differ and other"
        " rollouts of the problem are not needed",
        advantage=Gae(),
        reduction=TokenMean(),
        regularisers=(ValueLoss(),),
        group_size=1,
    )
}
