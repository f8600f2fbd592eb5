"""Statistics over a few runs: interquartile mean, probability of improvement, profiles, stratified bootstrap.

After Agarwal et al., "Deep RL at the Edge of the Statistical Precipice", arXiv:2108.13264, sections 3 and 4. Scores are
a matrix, [run, task]: a run is a training seed, a task a set of problems, a score for instance the held-out accuracy.
Several completions of one problem are no runs. A bootstrap draws with its own generator and is repeatable.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy
from jaxtyping import Float

Scores = Float[numpy.ndarray, "run task"]
Others = Float[numpy.ndarray, "_ _"]  # scores of another sample, whose runs and tasks may be others

DRAWS = 2000  # of a bootstrap
LEVEL = 0.95  # of an interval


@dataclass(frozen=True)
class Interval:
    """A number, the percentile interval of its bootstrap at 95 %, and how many runs it is of."""

    value: float
    low: float
    high: float
    runs: int

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}; n = {self.runs})"


def scores_of(values: Sequence[Sequence[float]]) -> Scores:
    """A matrix of scores, [run, task]; ValueError where rows differ in length, there are none, or one is not finite."""
    lengths = {len(row) for row in values}
    if not values or lengths == {0}:
        raise ValueError("no scores: give at least one run with one task")
    if len(lengths) > 1:
        raise ValueError(f"runs have {sorted(lengths)} scores: give every run the same tasks")
    scores = numpy.asarray(values, dtype=numpy.float64)
    if not numpy.isfinite(scores).all():
        raise ValueError("a score is not finite: leave the run out, and say so")
    return scores


def interquartile_mean(scores: Scores) -> float:
    """The mean of the middle half of all scores: a quarter of them, rounded down, is cut at each end.

    >>> interquartile_mean(scores_of([[0.0], [0.5], [0.7], [9.0]]))
    0.6
    """
    ordered = numpy.sort(scores, axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def optimality_gap(scores: Scores, target: float = 1.0) -> float:
    """How far scores fall short of a target on average; what is beyond it counts as the target.

    >>> optimality_gap(scores_of([[0.5, 2.0]]))
    0.25
    """
    return float(target - numpy.minimum(scores, target).mean())


def probability_of_improvement(left: Scores, right: Others) -> float:
    """How probable it is that a run of `left` beats one of `right`, the mean over tasks; a tie counts as one half.

    ValueError where their tasks differ in number.

    >>> probability_of_improvement(scores_of([[2.0], [1.0]]), scores_of([[1.0], [0.0]]))
    0.875
    """
    if left.shape[1] != right.shape[1]:
        raise ValueError(f"{left.shape[1]} tasks on one side, {right.shape[1]} on the other: give both the same")
    difference = left[:, None, :] - right[None, :, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def performance_profile(scores: Scores, thresholds: Sequence[float]) -> list[float]:
    """The share of all scores above each threshold.

    >>> performance_profile(scores_of([[0.2, 0.4], [0.6, 0.8]]), [0.0, 0.4, 0.8])
    [1.0, 0.5, 0.0]
    """
    return [float((scores > threshold).mean()) for threshold in thresholds]


def bootstrap(measure: Callable[..., float], *samples: Others, draws: int = DRAWS, seed: int = 0) -> Interval:
    """A measure of one or more matrices of scores, with its stratified bootstrap (within each task by itself).

    `runs` of the answer is the smallest number of runs of a sample. With one run the interval is the value itself:
    nothing is known of the spread between seeds.
    """
    dice = numpy.random.default_rng(seed)
    found = [measure(*(redrawn(scores, dice) for scores in samples)) for _ in range(draws)]
    low, high = numpy.percentile(found, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(measure(*samples), float(low), float(high), min(len(scores) for scores in samples))


def mean_over_seeds(values: Sequence[float], *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The mean of one number a run, with its bootstrap over runs: as `bootstrap`, for a mean at once.

    ValueError without a value, or with one that is not finite.
    """
    scores = scores_of([[value] for value in values])[:, 0]
    places = numpy.random.default_rng(seed).integers(0, len(scores), (draws, len(scores)))
    low, high = numpy.percentile(scores[places].mean(1), [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Interval(float(scores.mean()), float(low), float(high), len(scores))


def redrawn(scores: Scores, dice: numpy.random.Generator) -> Scores:
    """As many runs drawn with replacement, independently for every task."""
    return numpy.take_along_axis(scores, dice.integers(0, len(scores), scores.shape), axis=0)


def paired_difference(left: Scores, right: Others, *, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The mean of left - right over rows that share a seed, with the bootstrap over these pairs.

    ValueError where the shapes differ.
    """
    if left.shape != right.shape:
        raise ValueError(f"{left.shape} scores on one side, {right.shape} on the other: give pairs")
    return bootstrap(lambda pairs: float(pairs.mean()), left - right, draws=draws, seed=seed)
