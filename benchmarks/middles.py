"""Middle values and intervals over few seeds."""

import math
import random
import statistics
from collections.abc import Callable, Sequence

DRAWS = 2_000  # of a bootstrap


def interquartile_mean(values: Sequence[float]) -> float:
    """The mean of the middle half: a quarter of the values, rounded down, is left out at either end.

    Agarwal et al., arXiv:2108.13264, section 4.

    >>> interquartile_mean([0.0, 0.5, 0.6, 0.7, 9.0])
    0.6
    """
    cut = len(values) // 4
    return statistics.fmean(sorted(values)[cut : len(values) - cut])


def bootstrap_interval(
    values: Sequence[float], middle: Callable[[Sequence[float]], float], share: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of `middle` over resamples of the values.

    With one task there is one stratum: its seeds are resampled. arXiv:2108.13264, section 4.1.
    """
    draw = random.Random(seed)
    found = sorted(middle(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    tail = (1 - share) / 2
    return found[math.floor(tail * (DRAWS - 1))], found[math.ceil((1 - tail) * (DRAWS - 1))]
