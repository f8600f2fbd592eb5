"""DHPO: the token's ratio and the completion's ratio side by side, each clipped within its own bounds."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import min_max
from workbench.pieces.ratio import SequenceRatio
from workbench.pieces.surrogate import Clip, High, Low
from workbench.types import Batch, Constants, Mask, PerToken


@dataclass(frozen=True)
class Hybrid(Surrogate):
    """A weighted sum of two clipped objectives. arXiv:2601.05607.

    loss = w · clip(token ratio) + (1 - w) · clip(sequence ratio), each branch with its own bounds
    w = `share`, or with `guide` "entropy" the token's entropy scaled to [0, 1], a constant: high-entropy tokens
    use their own ratio. The abstract fixes the branches. The paper itself was not read: the bounds (those of DAPO and
    GSPO), the direction and the scope of the scaling are choices of this file, and fields.
    """

    guide: Annotated[Literal["share", "entropy"], Field(description="what mixes the branches")] = "share"
    share: Annotated[float, Field(ge=0, le=1, description="weight of the token's branch")] = 0.5  # "averaged"
    scope: Annotated[Literal["batch", "rollout"], Field(description="where entropy is scaled")] = "batch"
    invert: Annotated[bool, Field(description="high-entropy tokens use the completion's ratio instead")] = False
    token_low: Low = 0.2  # DAPO's
    token_high: High = 0.28
    sequence_low: Low = 3e-4  # GSPO's
    sequence_high: High = 4e-4

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_entropy"} if self.guide == "entropy" else ())

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        if self.guide == "share":
            return {"mix": torch.full_like(advantage, self.share)}
        scale = min_max if self.scope == "batch" else min_max_rows
        mix = scale(batch["old_entropy"], batch.mask)
        return {"mix": 1 - mix if self.invert else mix}

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        token = Clip(self.token_low, self.token_high)(batch, ratio, advantage)
        whole = Clip(self.sequence_low, self.sequence_high)(batch, SequenceRatio()(batch), advantage)
        return batch["mix"] * token + (1 - batch["mix"]) * whole


def min_max_rows(values: PerToken, mask: Mask) -> PerToken:
    """Each rollout's values scaled to [0, 1]; 0.5 where they are all alike."""
    low = values.masked_fill(~mask, torch.inf).amin(1, keepdim=True)
    high = values.masked_fill(~mask, -torch.inf).amax(1, keepdim=True)
    return torch.where(mask, torch.where(high > low, (values - low) / (high - low), 0.5), 0.0)


DHPO = derive(
    GRPO,
    title="DHPO, averaged",
    paper="arXiv:2601.05607",
    equation=r"-\frac{1}{\sum|o_i|}\sum_{i,t}\tfrac12\min\big(r_{i,t}A_i,\mathrm{clip}_{tok}(r_{i,t})A_i\big)"
    r"+\tfrac12\min\big(s_iA_i,\mathrm{clip}_{seq}(s_i)A_i\big)",
    changes="half of every token's loss uses its own ratio, half the ratio of the whole completion, clipped separately",
    surrogate=Hybrid(),
    regularisers=(),
)

METHODS = {
    "dhpo": DHPO,
    "dhpo_entropy": derive(
        DHPO,
        title="DHPO, guided by entropy",
        paper="arXiv:2601.05607",
        equation=r"-\frac{1}{\sum|o_i|}\sum_{i,t}w_{i,t}\min\big(r_{i,t}A_i,\mathrm{clip}(r_{i,t})A_i\big)"
        r"+(1-w_{i,t})\min\big(s_iA_i,\mathrm{clip}(s_i)A_i\big),\quad w=\mathrm{sg}[\mathrm{minmax}(H)]",
        changes="high-entropy tokens use their own ratio, low-entropy tokens that of the whole completion",
        surrogate=Hybrid(guide="entropy"),
    ),
}
