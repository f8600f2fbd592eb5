"""VESPO: one importance weight per rollout, the whole product, reshaped by a kernel that bounds its variance."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Correction, Ratio, Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import masked_sum, spread
from workbench.pieces.ratio import Bound
from workbench.types import Batch, PerToken

TINY = 1e-8
Power = Annotated[float, Field(ge=0, description="exponent of the weight: how fast rollouts of a low weight fade")]
Decay = Annotated[float, Field(gt=0, description="exponential decay: how fast rollouts of a high weight fade")]


@dataclass(frozen=True)
class ProductRatio(Ratio):
    """One ratio a rollout: the product of its tokens', without a root. VESPO, arXiv:2602.10693, section 3.

    ratio = exp(sum over tokens of logprob - old_logprob). With a `correction` its token weights are factors of the
    product, so that the ratio is the trainer's policy over the engine's: the authors' and TRL's place for them. The
    method's own correction slot stays empty then. A weight of 0 counts as 1e-8.
    """

    correction: Annotated[Correction | None, Field(description="token weights for the engine; none: left out")] = None
    bound: Bound = 20.0  # on a token's log-ratio, and on the rollout's

    @property
    def needs(self) -> frozenset[str]:
        return frozenset() if self.correction is None else self.correction.needs

    def __call__(self, batch: Batch) -> PerToken:
        terms = (batch.logprob - batch.old_logprob).clamp(-self.bound, self.bound)
        if self.correction is not None:
            terms = terms + self.correction(batch).clamp(min=TINY).log()
        return spread(masked_sum(terms, batch.mask).clamp(-self.bound, self.bound).exp(), batch.mask)


@dataclass(frozen=True)
class GammaKernel(Surrogate):
    """Log-likelihood, weighed by a kernel of the rollout's ratio. VESPO, arXiv:2602.10693, section 3.4.

    loss = -stop(ratio^power · exp(decay · (1 - ratio))) · advantage · logprob; the gradient flows through logprob.
    The weight is 1 at a ratio of 1 and largest at power / decay. Advantages of 0 and above have the first pair of
    numbers, negative ones the second.
    """

    power: Power = 2.0  # the authors' scripts, TRL
    decay: Decay = 3.0
    power_negative: Power = 3.0
    decay_negative: Decay = 2.0

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        above = (advantage >= 0).to(ratio.dtype)
        power = self.power * above + self.power_negative * (1 - above)
        decay = self.decay * above + self.decay_negative * (1 - above)
        weight = ratio.detach().clamp(min=TINY)
        kernel = (power * weight.log() + decay * (1 - weight)).exp()
        return -kernel * advantage * batch.logprob


METHODS = {
    "vespo": derive(
        GRPO,
        title="VESPO",
        paper="arXiv:2602.10693",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\mathrm{sg}\big[w_i^{k}e^{\lambda(1-w_i)}\big]A_i\log\pi(o_{i,t}),"
        r"\quad w_i=\prod_t r_{i,t}",
        changes="no clip: a rollout's log-likelihood is weighed by a smooth kernel of its whole importance ratio, so"
        " that rollouts far from the current policy fade on both sides",
        ratio=ProductRatio(),
        surrogate=GammaKernel(),
        regularisers=(),
    )
}
