"""How a reward ranks a correct solution among incorrect ones, and aggregates its steps. RewardMATH, 2410.01729."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

Aggregation = Literal["min", "max", "product", "geometric mean", "mean", "mean of logits", "last"]
EDGE = 1e-6  # a step's probability is kept this far from 0 and 1 where its logit is taken


def correct_first(correct: float, incorrect: Sequence[float]) -> bool:
    """Whether the correct solution's score is above every other; a tie, and a score of nan for it, are a loss.

    >>> correct_first(0.91, [0.90, 0.2]), correct_first(0.9, [0.9]), correct_first(0.5, [float("nan")])
    (True, False, True)
    """
    return rank(correct, incorrect) == 1


def rank(correct: float, incorrect: Sequence[float]) -> int:
    """The place of the correct solution, 1 the best; behind all that have at least its score, last where it is nan."""
    if math.isnan(correct):
        return 1 + len(incorrect)
    return 1 + sum(score >= correct for score in incorrect)  # a nan is never above


def reciprocal_rank(correct: float, incorrect: Sequence[float]) -> float:
    """1 / rank, whose mean over problems is MRR; by chance Σ 1/i / n over n solutions: .293 for ten.

    >>> reciprocal_rank(0.91, [0.90, 0.2]), reciprocal_rank(0.91, [0.95, 0.2])
    (1.0, 0.5)
    """
    return 1 / rank(correct, incorrect)


def logit(value: float) -> float:
    """log(p / (1 - p)), with p kept away from 0 and 1."""
    inside = min(max(value, EDGE), 1 - EDGE)
    return math.log(inside / (1 - inside))


def mean(values: Sequence[float]) -> float:
    """The mean."""
    return sum(values) / len(values)


AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "product": math.prod,
    "geometric mean": lambda steps: math.exp(mean([math.log(max(step, EDGE)) for step in steps])),
    "mean": mean,
    "mean of logits": lambda steps: mean([logit(step) for step in steps]),
    "last": lambda steps: steps[-1],
}


def aggregate(steps: Sequence[float], how: Aggregation) -> float:
    """One number of a process reward's probabilities for the steps of a solution. ValueError without steps.

    >>> steps = [0.9, 0.95, 0.3, 0.99]
    >>> [round(aggregate(steps, how), 4) for how in ("min", "max", "product", "geometric mean", "mean", "last")]
    [0.3, 0.99, 0.2539, 0.7099, 0.785, 0.99]
    """
    if not steps:
        raise ValueError("no steps: a process reward gives one number or more")
    return float(AGGREGATIONS[how](steps))
