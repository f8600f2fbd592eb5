"""DPPO: a trust region on the change of a token's probability instead of its ratio, against the engine's policy."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Ratio, Surrogate
from workbench.method import derive
from workbench.methods.dr_grpo import METHODS as DR_GRPO
from workbench.methods.grpo import UNBOUNDED
from workbench.pieces.ratio import Bound
from workbench.pieces.reduction import FixedLength
from workbench.types import Batch, PerToken

TINY = 1e-8
Threshold = Annotated[float, Field(ge=0, description="largest divergence at which a token is trained")]


@dataclass(frozen=True)
class EngineRatio(Ratio):
    """Each token's ratio to the policy that sampled it, as the engine computed it. DPPO, arXiv:2602.04879.

    ratio = exp(logprob - engine_logprob), where the engine's log-prob is not known - old_logprob instead. The
    authors' code has the engine's; verl's port has old_logprob, which is `ratio = "token_ratio"` here.
    """

    bound: Bound = UNBOUNDED

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob", "engine_logprob"})

    def __call__(self, batch: Batch) -> PerToken:
        sampled = batch["engine_logprob"]
        sampled = torch.where(sampled.isnan(), batch.old_logprob, sampled)
        return (batch.logprob - sampled).clamp(-self.bound, self.bound).exp()


@dataclass(frozen=True)
class DivergenceMask(Surrogate):
    """Log-likelihood weighed by the ratio, without the tokens that left the trust region. DPPO, arXiv:2602.04879.

    loss = -stop(min(ratio, cap) · inside) · advantage · logprob; the gradient flows through logprob alone.
    With p = exp(logprob) and q = p / ratio, the probability under the policy the ratio is to:
    tv: |p - q|; kl: q log(q / p) + (1 - q) log((1 - q) / (1 - p)), the token against all others (the paper's Binary)
    inside = 0 where that is above `high`, the advantage above 0 and p > q, or above `low`, the advantage below 0 and
    p < q: only updates that would lead further away are left out.
    """

    divergence: Annotated[Literal["tv", "kl"], Field(description="total variation, or KL of sampling to current")] = (
        "tv"
    )
    low: Threshold = 0.15
    high: Threshold = 0.15
    cap: Annotated[float, Field(gt=0, description="largest ratio that weighs a token")] = (
        20.0  # section 5.4, by verl; verl's script: 10000
    )

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        weight = ratio.detach()
        p, q = batch.logprob.detach().exp(), (batch.logprob.detach() - weight.log()).exp()
        far = self.distance(p, q, weight)
        outside = torch.where(advantage > 0, (far > self.high) & (p > q), (far > self.low) & (p < q))
        return -torch.where(outside, 0.0, weight.clamp(max=self.cap)) * advantage * batch.logprob

    def distance(self, p: PerToken, q: PerToken, ratio: PerToken) -> PerToken:
        """The divergence of two distributions over this token and all others, [rollout, token], in nats for kl."""
        if self.divergence == "tv":
            return (p - q).abs()
        others = ((1 - q).clamp(min=0) + TINY) / ((1 - p).clamp(min=0) + TINY)
        return -q * ratio.log() + (1 - q).clamp(min=0) * others.log()


DPPO = derive(
    DR_GRPO["dr_grpo"],
    title="DPPO, total variation",
    paper="arXiv:2602.04879, DPPO-Binary-TV",
    equation=r"-\frac1{G\,L_{max}}\sum_{i,t}\mathrm{sg}\big[\min(r_{i,t},c)\,M_{i,t}\big]A_i\log\pi(o_{i,t}),\quad"
    r" M_{i,t}=0\text{ if }|\pi-\mu|>\delta\text{ and the update leads away from }\mu",
    changes="a token is left out when its probability, not its ratio, has moved too far from the engine's; rare tokens"
    " keep their gradient",
    ratio=EngineRatio(),
    surrogate=DivergenceMask(),
    reduction=FixedLength(),
    regularisers=(),
)

METHODS = {
    "dppo_tv": DPPO,
    "dppo_kl": derive(
        DPPO,
        title="DPPO, KL divergence",
        paper="arXiv:2602.04879, DPPO-Binary-KL",
        equation=r"-\frac1{G\,L_{max}}\sum_{i,t}\mathrm{sg}\big[\min(r_{i,t},c)\,M_{i,t}\big]A_i\log\pi(o_{i,t}),\quad"
        r" M_{i,t}=0\text{ if }\mathrm{KL}(\mu\Vert\pi)>\delta\text{ and the update leads away from }\mu",
        changes="a token is left out when the KL divergence of its probability from the engine's is too large; rare"
        " tokens keep their gradient",
        surrogate=DivergenceMask(divergence="kl", low=0.05, high=0.05),
    ),
}
