"""How often a model solves problems: unbiased pass@k, with a bootstrap interval over the problems."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

DRAWS = 1000  # of the bootstrap


@dataclass(frozen=True)
class Tally:
    """The number of correct completions of a problem, among the graded ones; unscored ones count as incorrect."""

    correct: int
    graded: int

    def pass_at(self, tries: int) -> float:
        """pass@k for k = `tries`; ValueError if fewer completions were graded."""
        return pass_at(self.correct, self.graded, tries)


@dataclass(frozen=True)
class Estimate:
    """A mean over problems, with the 95 % interval of the bootstrap."""

    value: float
    low: float
    high: float
    problems: int

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%})"


def pass_at(right: int, samples: int, tries: int) -> float:
    """pass@k: P(at least one of `tries` samples is correct). Chen et al., arXiv:2107.03374, section 2.1.

    1 - C(samples - right, tries) / C(samples, tries): unbiased for tries <= samples; ValueError otherwise.

    >>> pass_at(1, 4, 1), pass_at(1, 4, 4), pass_at(0, 4, 2)
    (0.25, 1.0, 0.0)
    """
    if not 1 <= tries <= samples:
        raise ValueError(f"pass@{tries} of {samples} samples: sample every problem at least {tries} times")
    missed = 1.0
    for sample in range(samples - right + 1, samples + 1):
        missed *= 1 - tries / sample if sample > tries else 0.0
    return 1 - missed


def estimate(values: Sequence[float], seed: int = 0) -> Estimate:
    """The mean of a number per problem, with a percentile bootstrap (Efron, 1979). ValueError without any."""
    if not values:
        raise ValueError("no problem to average over: evaluate at least one, with a reward that grades its completions")
    draw, count = random.Random(seed), len(values)
    means = sorted(sum(draw.choices(values, k=count)) / count for _ in range(DRAWS))
    low, high = means[int(0.025 * DRAWS)], means[int(0.975 * DRAWS) - 1]
    return Estimate(sum(values) / count, low, high, count)


def passes(tallies: Sequence[Tally], tries: int) -> Estimate:
    """pass@k over the problems with enough graded completions."""
    return estimate([tally.pass_at(tries) for tally in tallies if tally.graded >= tries])


def gain(tallies: Sequence[Tally], base: Sequence[Tally], tries: int) -> Estimate:
    """The paired difference in pass@k to another model (`base`) on the same problems.

    >>> gain([Tally(2, 2), Tally(1, 2)], [Tally(1, 2), Tally(1, 2)], 1).value
    0.25
    """
    pairs = [pair for pair in zip(tallies, base, strict=True) if min(one.graded for one in pair) >= tries]
    return estimate([own.pass_at(tries) - other.pass_at(tries) for own, other in pairs])
