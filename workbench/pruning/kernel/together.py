"""The decision on a group by a compactor, which `compact.cu` makes in one launch: score, posterior, survival and draw.

The result is that of the functions in `quality`, `posterior`, `survival` and `draw`, one after the other. A compactor
computes in integer units: probabilities agree to about 2⁻¹², and so do the survivors, unless a mark of the draw is that
close to a boundary. One small table is copied from the GPU; the host computes nothing.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from workbench.pruning import quality
from workbench.pruning.kernel.compact import JUDGED, UNIT, Compactor, Head, Judged, Policy
from workbench.pruning.kernel.compact_torch import bin_of
from workbench.pruning.posterior import PerBin

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Chance:
    """The group's random numbers in [0, 1): one for each rollout, and where the marks of the draw begin."""

    uniform: Array
    start: float


@dataclass(frozen=True)
class Decision:
    """For each rollout of the group whether it continues, and the numbers behind the decision, all [rollout]."""

    keep: NDArray[np.bool_]
    score: Array
    posterior: Array
    survival: Array

    def columns(self) -> dict[str, Array]:
        """The recorded columns."""
        return {"score": self.score, "posterior": self.posterior, "survival": self.survival}


def rows_of(table: PerBin, chance: Chance, device: torch.device) -> Judged:
    """The rollouts of one group as a compactor takes them; their scores are still to be filled in."""
    count = len(chance.uniform)
    return Judged(
        score=torch.zeros(count, device=device),
        posterior=(table * UNIT).int().to(device),
        state=torch.full((count,), JUDGED, dtype=torch.uint8, device=device),
        group=torch.zeros(count, dtype=torch.int32, device=device),
        noise=torch.from_numpy((chance.uniform * 2.0**53).astype(np.int64)).to(device),
        start=torch.tensor([int(chance.start * UNIT)], dtype=torch.int32, device=device),
    )


def head_on(weights: quality.Weights, device: torch.device) -> Head:
    """A quality head as a compactor takes it."""
    return Head(**{name: weight.to(device) for name, weight in quality.folded(weights).items()})


def judge_group(
    compact: Compactor, policy: Policy, head: Head, hidden: Float[Tensor, "n width"], rows: Judged
) -> Decision:
    """The decision on a group, by the last hidden states of its rollouts; all tensors lie on the compactor's device."""
    plan = compact.judge(rows, policy, head, hidden)
    likely = rows.posterior[bin_of(rows.score, len(rows.posterior))]
    columns = [column.double() for column in (rows.score, likely, plan.probability, plan.kept)]
    score, posterior, survival, kept = torch.stack(columns).cpu().numpy()
    return Decision(kept > 0, score, posterior / UNIT, survival / UNIT)
