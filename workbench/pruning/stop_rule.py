"""A pruner's word on single rollouts, as data: for an engine that stops them itself while it writes."""

from collections.abc import Callable
from dataclasses import dataclass

from workbench.pruning.draw import Whole
from workbench.pruning.quality import Weights


@dataclass(frozen=True)
class Sieve:
    """A rollout goes on if its mark lies below the threshold of its score's bin; nothing of its group is asked.

    The score is `quality.scores` of the last hidden state at the newest token, the bin `posterior.bin_of`; marks and
    thresholds are in units of 2⁻²⁴, as `draw.bernoulli` compares them. Without a head everyone is in the first bin.
    """

    length: int  # of the answer when it is asked
    head: Weights
    threshold: list[int]  # of each bin
    marks: Callable[[Whole, Whole], Whole]  # of rollouts, by the numbers of their requests and their indices
