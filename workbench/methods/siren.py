"""SIREN: the entropy of each completion's highest-entropy tokens is held at its initial value."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Regulariser
from workbench.method import derive
from workbench.methods.dr_grpo import METHODS as DR_GRPO
from workbench.pieces.reduction import rollouts
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Constants, Mask, PerToken, Scalar, State


def peak_entropy(entropy: PerToken, mask: Mask, quantile: float) -> PerToken:
    """Each token's share of the mean entropy of its completion's tokens above a quantile, [rollout, token]."""
    with torch.no_grad():
        inside = entropy.detach().masked_fill(~mask, torch.nan)
        bound = torch.nanquantile(inside, quantile, dim=1, keepdim=True)
        peak = mask & (entropy > bound)
        count = peak.sum(1, keepdim=True).clamp(min=1)
    return torch.where(peak, entropy, 0.0) / count


@dataclass(frozen=True)
class EntropyAnchor(Regulariser):
    """Squared distance of the peak entropy from its first value. arXiv:2509.25133, section 4.

    loss = coefficient · (mean over rollouts of the peaks' mean entropy - anchor)²
    Entropy is that of the most likely tokens up to `share` of the probability, renormalised; the authors' code leaves
    the token that crosses it out (`core_entropy`), nucleus sampling would keep it. Peaks are the tokens above the
    completion's own quantile; the gradient flows through their entropy. The anchor is the mean of the policy that
    sampled the first step, and is remembered. While it is not remembered yet, in the updates of that step, it is the
    same mean over the rollouts of the update (the authors': of the whole step). Defaults: section 5.1.
    """

    setwise = True
    coefficient: Annotated[float, Field(ge=0, description="its weight in the loss")] = 0.005  # section 5.1
    quantile: Annotated[float, Field(ge=0, lt=1, description="share of a completion's tokens that are no peak")] = 0.8
    share: Annotated[float, Field(gt=0, le=1, description="of the probability, whose entropy counts (top-p)")] = 0.8
    crossing: Annotated[bool, Field(description="keep the token that crosses the share, too")] = False  # their code

    @property
    def signal(self) -> str:
        """The entropy it reads."""
        return f"{'nucleus' if self.crossing else 'core'}_entropy:{self.share:g}"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.signal, f"old_{self.signal}"} if self.coefficient else ())

    def init(self) -> State:
        return {"anchor": None}

    def learn(self, state: State, batch: Batch) -> State:
        if state["anchor"] is not None or not self.coefficient:
            return state
        return {"anchor": float(self.mean(batch, f"old_{self.signal}"))}

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        if not self.coefficient:
            return {}
        kept, first = batch.piece_state.get("anchor"), self.mean(batch, f"old_{self.signal}")
        return {"anchor": first if kept is None else torch.full_like(first, kept)}

    def mean(self, batch: Batch, name: str) -> Scalar:
        """The mean over rollouts of their peaks' mean."""
        mask = batch.mask & batch.scored[:, None]
        values = torch.where(mask, batch[name], 0.0)
        return peak_entropy(values, mask, self.quantile).sum() / rollouts(batch.replace(mask=mask))

    def __call__(self, batch: Batch) -> Scalar:
        if not self.coefficient:
            return batch.logprob.sum() * 0
        return self.coefficient * (self.mean(batch, self.signal) - batch["anchor"]).square()


METHODS = {
    "siren": derive(
        DR_GRPO["dr_grpo"],
        title="SIREN",
        paper="arXiv:2509.25133",
        equation=r"\mathcal L_{Dr.GRPO}+\alpha\big(\bar H_{peak}-H_0\big)^2,\quad"
        r"\bar H_{peak}=\frac1B\sum_i\mathrm{mean}_{t:\,\tilde H_{i,t}>Q_{0.8}}\tilde H_{i,t}",
        changes="a loss holds the entropy of each completion's highest-entropy tokens at its value in the first step",
        surrogate=Clip(dual=3.0),  # their code's default bound for A < 0; both clip ranges 0.2 in effect
        regularisers=(EntropyAnchor(),),
    )
}
