"""Corrections for the mismatch of the engine's and the trainer's log-probs: importance weights of sampled tokens."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field

from workbench.kinds import Correction
from workbench.ops import masked_sum, spread
from workbench.pieces.off_policy import foreign
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class Truncated(Correction):
    """Importance of the trainer's policy over the engine's, truncated. Ionides, 2008; verl's `rollout_is`.

    token: exp(old_logprob - engine_logprob); sequence: exp of that difference added up over the rollout's trained
    tokens, for each of them. Above `cap` it becomes `cap` and below `floor` it becomes `floor`, or both become 0 with
    `beyond = "mask"` (TRL's *_mask modes). It carries no gradient. 1 for off-policy tokens, whose ratio another piece
    handles, and where the engine's log-prob is not known.
    """

    level: Annotated[Literal["token", "sequence"], Field(description="one weight a token, or one a rollout")] = "token"
    cap: Annotated[float, Field(gt=0, description="largest weight")] = 2.0  # verl's rollout_is_threshold
    beyond: Annotated[Literal["truncate", "mask"], Field(description="a weight beyond a bound: the bound, or 0")] = (
        "truncate"
    )
    floor: Annotated[float, Field(ge=0, description="smallest weight; 0: off")] = 0.0  # TRL's *_clip_min

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob", "engine_logprob"})

    def __call__(self, batch: Batch) -> PerToken:
        gap = (batch.old_logprob - batch["engine_logprob"]).nan_to_num(nan=0.0)
        gap = torch.where(foreign(batch) | ~batch.mask, 0.0, gap)
        if self.level == "sequence":
            gap = spread(masked_sum(gap, batch.mask), batch.mask)
        ratio = gap.exp()
        if self.beyond == "mask":
            return torch.where((ratio > self.cap) | (ratio < self.floor), 0.0, ratio)
        return ratio.clamp(min=self.floor, max=self.cap)
