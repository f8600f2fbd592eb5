"""A pruner's decision on single rollouts, as data: for an engine that stops rollouts itself during generation."""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.pruning.draw import Whole
from workbench.pruning.quality import Weights


@dataclass(frozen=True)
class StopRule:
    """A rollout continues if its mark is below the threshold of its score's bin; its group plays no part.

    The score is `quality.scores` of the last hidden state at the newest token, the bin `posterior.bin_of`; marks and
    thresholds are in units of 2⁻²⁴, as `draw.bernoulli` compares them. Without a head the bin is the first one.
    """

    length: int  # the detection length, in tokens
    head: Weights
    threshold: list[int]  # of each bin
    marks: Callable[[Whole, Whole], Whole]  # of rollouts, by the numbers of their requests and their indices
