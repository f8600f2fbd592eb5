"""MaxRL: the gradient of the logarithm of a problem's pass rate, which weighs hard problems up."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_mean, spread
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class OverPassRate(Advantage):
    """Correctness less the group's pass rate, divided by the pass rate. MaxRL, arXiv:2602.02710.

    advantage = (correct - mean(group)) / (mean(group) + eps); correct is 1 or 0, whatever else the reward holds. With n
    rollouts it is the gradient of log(pass rate), its series cut after n terms. 0 for a rollout alone in its group.
    """

    eps: Annotated[float, Field(gt=0, description="added to the pass rate")] = 1e-6  # the authors' code

    def __call__(self, batch: Batch) -> PerToken:
        rate = group_mean(batch.correct, batch.group)
        return spread(group_centre(batch.correct, batch.group) / (rate + self.eps), batch.mask)


METHODS = {
    "maxrl": derive(
        GRPO,
        title="MaxRL",
        paper="arXiv:2602.02710",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big),\quad"
        r" A_i=\frac{c_i-\bar c}{\bar c+\epsilon},\ c_i\in\{0,1\}",
        changes="correctness is divided by the group's pass rate instead of standardised: it maximises the log of the"
        " pass rate, so that hard problems weigh more",
        advantage=OverPassRate(),
        regularisers=(),
    )
}
