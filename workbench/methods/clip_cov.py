"""Clip-Cov and KL-Cov: the few tokens that make the entropy fall most are left out, or held by a KL penalty."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from pydantic import Field

from workbench import random_numbers
from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import batch_mean
from workbench.pieces.filters import DynamicSampling
from workbench.pieces.surrogate import Clip, High, Low
from workbench.types import Batch, Constants, Mask, PerToken

Share = Annotated[float, Field(gt=0, le=1, description="share of the update's tokens that are chosen; one at least")]


def covariance(batch: Batch, advantage: PerToken) -> PerToken:
    """A token's term of the covariance of advantage and log-prob, [rollout, token]. arXiv:2505.22617, section 3.

    (advantage - mean) · (logprob - mean), both means over the tokens of the update, in float64; without gradient. The
    entropy falls by about the learning rate times the sum of these terms.
    """
    gain, logprob = advantage.double(), batch.logprob.detach().double()
    return (gain - batch_mean(gain, batch.mask)) * (logprob - batch_mean(logprob, batch.mask))


def chosen(batch: Batch, eligible: Mask, score: PerToken, share: float) -> Mask:
    """The eligible tokens of the highest score, max(1, share of all tokens) at most; which of equal ones is random.

    The random order is computed from the rollouts themselves and the step: it depends neither on the order of the
    rollouts nor on padding, and a replay makes the same choice.
    """
    count = max(1, int(share * int(batch.mask.sum())))
    places = eligible.nonzero()
    order = np.lexsort((shuffled(batch)[eligible.cpu().numpy()], -score[eligible].cpu().numpy()))[:count]
    found = torch.zeros_like(eligible)
    rows, columns = places[torch.as_tensor(order.copy(), device=places.device)].unbind(1)
    found[rows, columns] = True
    return found


def shuffled(batch: Batch) -> random_numbers.Keys:
    """A pseudo-random number for every token, keyed by step, rollout and position, [rollout, token]."""
    mask = batch.mask.cpu().numpy()
    bits = batch.old_logprob.float().cpu().numpy().view(np.uint32).astype(np.uint64)
    position = mask.cumsum(1).astype(np.uint64)
    token = random_numbers.mix(bits + random_numbers.GOLDEN * position)
    rollout = np.where(mask, token, np.uint64(0)).sum(1, dtype=np.uint64) + np.uint64(batch.step)
    return random_numbers.mix(token + random_numbers.mix(rollout)[:, None])


@dataclass(frozen=True)
class ClipCov(Surrogate):
    """PPO's clip, and no loss for a random few of the tokens of high covariance. arXiv:2505.22617, section 4.2.

    loss = 0 for a `share` of the update's tokens, drawn from those that are not clipped and whose covariance term lies
    between `least` and `most`; elsewhere the clipped objective with the gradient through the ratio. The choice is a
    constant, made before every update from the current policy over the whole update; the authors' code chooses within
    each micro-batch.
    """

    fresh = True
    low: Low = 1.0  # the authors' scripts: the ratio may go from 0 to 2
    high: High = 1.0
    share: Share = 2e-4
    least: Annotated[float, Field(description="covariance above which a token may be chosen")] = 1.0
    most: Annotated[float, Field(description="covariance below which a token may be chosen")] = 5.0

    @property
    def over_batch(self) -> bool:
        return True

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        ratio = (batch.logprob - batch.old_logprob).exp()
        clipped = ratio * advantage > ratio.clamp(1 - self.low, 1 + self.high) * advantage
        terms = covariance(batch, advantage)
        eligible = batch.mask & ~clipped & (terms > self.least) & (terms < self.most)
        return {"left_out": chosen(batch, eligible, torch.zeros_like(terms), self.share)}

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        return torch.where(batch["left_out"], 0.0, Clip(self.low, self.high)(batch, ratio, advantage))


@dataclass(frozen=True)
class KlCov(Surrogate):
    """No clip, and a penalty on the change of the tokens of highest covariance. arXiv:2505.22617, section 4.2.

    loss = -ratio · advantage, and + coefficient · |logprob - old_logprob| for the `share` of tokens whose covariance
    term is highest. The gradient flows through the ratio and through logprob. The choice is a constant, made before
    every update from the current policy over the whole update; the authors' code chooses within each micro-batch. A
    token of advantage 0 is never chosen: in the authors' runs zero-variance groups are filtered out.
    """

    fresh = True
    share: Share = 2e-3  # 7B; the 32B runs and verl: 2e-4
    coefficient: Annotated[float, Field(ge=0, description="weight of the penalty")] = 1.0

    @property
    def over_batch(self) -> bool:
        return True

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        eligible = batch.mask & (advantage != 0)
        return {"held": chosen(batch, eligible, covariance(batch, advantage), self.share)}

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        penalty = self.coefficient * (batch.logprob - batch.old_logprob).abs()
        return -ratio * advantage + torch.where(batch["held"], penalty, 0.0)


CLIP_COV = derive(
    GRPO,
    title="Clip-Cov",
    paper="arXiv:2505.22617",
    equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\mathbb 1[(i,t)\notin I]\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i"
    r"\big),\quad I\subset\{\omega_{low}<(A-\bar A)(\log\pi-\overline{\log\pi})<\omega_{high}\}",
    changes="a random few tokens whose advantage and log-prob covary strongly get no gradient, so that the entropy does"
    " not collapse",
    surrogate=ClipCov(),
    regularisers=(),
    filters=(DynamicSampling(),),  # the authors' scripts
)

METHODS = {
    "clip_cov": CLIP_COV,
    "kl_cov": derive(
        CLIP_COV,
        title="KL-Cov",
        paper="arXiv:2505.22617",
        equation=r"\frac{1}{\sum_i|o_i|}\sum_{i,t}\big[-r_{i,t}A_i+\beta\,\mathbb 1[(i,t)\in I]\,|\log r_{i,t}|\big],"
        r"\quad I=\text{top share of }(A-\bar A)(\log\pi-\overline{\log\pi})",
        changes="no clip; the few tokens whose advantage and log-prob covary most are held near the sampling policy, so"
        " that the entropy does not collapse",
        surrogate=KlCov(),
    ),
}
