"""OPO: the baseline that minimises the gradient's variance, a mean of the group's rewards weighted by length."""

from dataclasses import dataclass

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_sum, spread
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class LengthWeightedBaseline(Advantage):
    """A rollout's reward less the group's mean weighted by length. OPO, arXiv:2505.23585, section 3.

    advantage = reward - sum(length · reward) / sum(length), both over the group; length in trained tokens. It is the
    baseline of least variance where the squared norm of a rollout's gradient grows with its length. 0 for a rollout
    alone in its group, for which the authors' code keeps the reward itself.
    """

    def __call__(self, batch: Batch) -> PerToken:
        centred = group_centre(batch.reward, batch.group)  # the baseline's shift is the same, and equal rewards give 0
        length = batch.lengths * batch.scored
        shift = group_sum(length * centred, batch.group) / group_sum(length, batch.group).clamp(min=1)
        return spread(centred - shift, batch.mask)


METHODS = {
    "opo": derive(
        GRPO,
        title="OPO",
        paper="arXiv:2505.23585",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big),\quad"
        r" A_i=R_i-\frac{\sum_j|o_j|R_j}{\sum_j|o_j|}",
        changes="the baseline is the group's mean reward weighted by length, undivided by the standard deviation; meant"
        " for one update a step, where ratio and clip have no effect",
        advantage=LengthWeightedBaseline(),
        regularisers=(),
    )
}
