"""VIMPO: the reward enters by a regression of the summed log-ratio to the reference; no critic, values are implicit."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from workbench.kinds import Advantage, Regulariser
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, masked_sum, spread, suffix_sum, whiten
from workbench.pieces.reduction import SequenceMean, TokenMean
from workbench.pieces.regulariser import OwnReduction
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Constants, PerToken

Beta = Annotated[float, Field(gt=0, description="strength of the KL regularisation that defines the values")]


@dataclass(frozen=True)
class ImplicitDifference(Advantage):
    """Suffix sums of implicit temporal differences, whitened over the batch. arXiv:2606.20008, section 4.

    difference = beta · (logprob - ref_logprob - kl), advantage[t] = difference[t] + decay · advantage[t + 1]
    over the trained tokens; others, as a tool's words, are stepped over.
    Read from the policy that sampled: exact where a step makes one update, as published. Rewards play no part.
    """

    beta: Beta = 5e-4  # run script
    decay: Annotated[float, Field(ge=0, le=1, description="of later differences (lambda)")] = 1.0  # run script

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob", "ref_logprob", "old_kl"})

    def __call__(self, batch: Batch) -> PerToken:
        difference = self.beta * (batch.old_logprob - batch["ref_logprob"] - batch["old_kl"])
        return whiten(suffix_sum(difference, self.decay, batch.mask), batch.mask)


@dataclass(frozen=True)
class TerminalValue(Regulariser):
    """Squared error of the implied value at the end of a completion. arXiv:2606.20008, section 3.

    loss = 1/2 · (sum over tokens of beta · (logprob - ref_logprob - stop(kl)) - (reward - mean(group)))²,
    averaged over rollouts. `kl` is exact, over the whole vocabulary: a sampled estimate would cancel the log-ratio.
    """

    follows: ClassVar[tuple[str, ...]] = ("beta",)
    beta: Beta = 5e-4
    reduction: OwnReduction = SequenceMean()

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"ref_logprob", "kl"})

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        return {"target": group_centre(batch.reward, batch.group).nan_to_num(nan=0.0)}

    def __call__(self, batch: Batch) -> PerToken:
        term = batch.logprob - batch["ref_logprob"] - batch["kl"].detach()
        residual = self.beta * masked_sum(term, batch.mask) - batch["target"]
        return spread(residual.square() / 2, batch.mask)


METHODS = {
    "vimpo": derive(
        GRPO,
        title="VIMPO",
        paper="arXiv:2606.20008",
        equation=r"\frac1{2B}\sum_i\Big[\sum_t\big(\rho_{i,t}-\mathrm{sg}[\kappa_{i,t}]\big)-(R_i-\bar R)\Big]^2"
        r"+c_A\mathcal L_{clip},\quad\rho=\beta\log\frac{\pi}{\pi_{ref}},\ \kappa=\beta\,KL(\pi\|\pi_{ref})",
        changes="the completion's log-ratio to the reference is regressed on the reward, and the same log-ratios are"
        " the temporal differences of an actor's loss",
        advantage=ImplicitDifference(),
        surrogate=Clip(low=0.2, high=0.28, dual=10.0),  # run script
        surrogate_weight=5e-3,  # run script
        reduction=TokenMean(),
        regularisers=(TerminalValue(),),
    )
}
