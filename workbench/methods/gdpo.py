"""GDPO: every part of the reward is standardised by itself before the parts are added."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Advantage, Shaping
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_std, spread, whiten
from workbench.types import Batch, Group, PerToken

Eps = Annotated[float, Field(gt=0, description="added to the standard deviation")]


@dataclass(frozen=True)
class Decoupled(Shaping):
    """The sum of the reward parts, each standardised within the group. GDPO, arXiv:2601.05242, section 3.

    reward = sum over parts of weight · (value - mean(group)) / (std(group) + eps), over the rollouts that are scored.
    It reads the parts, so it must stand first among the shapings; its `weights` must be those of the run's rewards,
    which is checked: the weighted sum of the parts has to be the reward that comes in, or a ValueError is raised.
    """

    weights: Annotated[
        tuple[float, ...], Field(description="of the reward parts, in the order of the run's rewards; empty: all 1")
    ] = ()
    eps: Eps = 1e-4  # the authors' code for TRL, TRL; verl: 1e-6

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        del budget
        total = torch.tensor(list(rewards), dtype=torch.float64)
        together = torch.zeros(len(total), dtype=torch.long)
        found = torch.zeros_like(total)
        raw = torch.zeros_like(total)
        for name, weight in self.parts(group):
            values = torch.tensor([rollout.parts[name].value for rollout in group.rollouts], dtype=torch.float64)
            values = torch.where(total.isnan(), torch.nan, values)
            raw += weight * values
            found += weight * group_centre(values, together) / (group_std(values, together) + self.eps)
        self.check(raw, total)
        return torch.where(total.isnan(), total, found).tolist()

    def parts(self, group: Group) -> list[tuple[str, float]]:
        """The names of the reward parts with their weights; those of weight 0 are left out."""
        names = list(group.rollouts[0].parts) if group.rollouts else []
        weights = self.weights or (1.0,) * len(names)
        if len(weights) != len(names):
            raise ValueError(f"decoupled.weights = {list(weights)} for the reward parts {names}: give each a weight")
        return [(name, weight) for name, weight in zip(names, weights, strict=True) if weight]

    def check(self, raw: torch.Tensor, total: torch.Tensor) -> None:
        """ValueError unless the weighted sum of the parts, [rollout], is the reward that came in."""
        scored = ~total.isnan()
        if not torch.allclose(raw[scored], total[scored], atol=1e-6):
            raise ValueError(
                f"decoupled.weights = {list(self.weights) or 'all 1'}: the parts sum to {raw[scored].tolist()}, but "
                f"the rewards are {total[scored].tolist()}. Give the weights of the run's rewards, and put this shaping"
                " first"
            )


@dataclass(frozen=True)
class BatchZ(Advantage):
    """A reward less its group's mean, standardised over the batch. GDPO, arXiv:2601.05242, section 3.

    rollouts: advantage = centred / (std of all rollouts + eps), centred = reward - mean(group). After `decoupled` the
    groups' means are 0, so that this is the authors' standardisation over the batch.
    tokens: the same over all tokens, each rollout counted as often as it has tokens, mean subtracted (the authors'
    code for verl); with unequal lengths this moves zero-variance groups too.
    """

    over: Annotated[Literal["rollouts", "tokens"], Field(description="what the deviation is taken over")] = "rollouts"
    eps: Eps = 1e-4

    @property
    def over_batch(self) -> bool:
        return True

    def __call__(self, batch: Batch) -> PerToken:
        centred = group_centre(batch.reward, batch.group)
        if self.over == "tokens":
            return whiten(spread(centred, batch.mask), batch.mask)
        deviation = group_std(centred, torch.zeros_like(batch.group))
        return spread(centred / (deviation + self.eps), batch.mask)


METHODS = {
    "gdpo": derive(
        GRPO,
        title="GDPO",
        paper="arXiv:2601.05242",
        equation=r"A_i=\frac{Z_i-\bar Z}{\mathrm{std}_{batch}(Z)+\epsilon},\quad Z_i=\sum_k w_k\,"
        r"\frac{R_{k,i}-\bar R_k}{\mathrm{std}(R_k)+\epsilon}",
        changes="every part of the reward is standardised within the group by itself, then the parts are added and"
        " standardised over the batch: a part of small spread is not drowned out",
        advantage=BatchZ(),
        regularisers=(),
        shaping=(Decoupled(),),
    )
}
