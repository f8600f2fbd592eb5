"""From measured steps to longer ones: linear in tokens, phase by phase, from the last two sizes that were measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

PHASES = {  # label: phases of the trainer's clock
    "rollouts": ("generate",),
    "scoring": ("reward", "control"),
    "update": ("score", "update"),
    "other": ("sync", "record"),
}
APART = 0.75  # two measurements give a slope where one has at most this share of the other's tokens


@dataclass(frozen=True)
class Sample:
    """One measured step. `cut`: maximum tokens of a completion; `unfinished`: truncated completions."""

    problems: int
    cut: int
    tokens: float  # generated, over all completions
    rollouts: float
    unfinished: float
    seconds: Mapping[str, float]  # by `PHASES`

    @property
    def total(self) -> float:
        """Seconds over all phases."""
        return sum(self.seconds.values())


def to_come(samples: Sequence[Sample], longest: int) -> float:
    """Expected remaining tokens of the truncated completions, over all of them.

    Each token is the last one with probability h, estimated between the last two measured lengths. A truncated
    completion then has 1 + (1 - h) + (1 - h)² + … more tokens.
    """
    last = samples[-1]
    before = next((sample for sample in reversed(samples) if sample.cut < last.cut), None)
    written = last.tokens - (before.tokens if before else 0.0)
    ended = (before.unfinished if before else last.rollouts) - last.unfinished
    chance = min(1.0, max(0.0, ended / written)) if written > 0 else 0.0
    left = longest - last.cut
    return last.unfinished * ((1 - (1 - chance) ** left) / chance if chance else left)


def at(samples: Sequence[Sample], tokens: float, times: float) -> dict[str, float]:
    """Seconds by phase of a step with `times` the last sample's problems and `tokens` generated tokens in total.

    Scoring is proportional to the number of completions; the other phases of the trainer happen once a step.
    """
    sizes = dict.fromkeys((sample.problems, sample.cut) for sample in samples)
    steps = [[sample for sample in samples if (sample.problems, sample.cut) == size] for size in sizes]
    points = {
        name: [(median(s.tokens for s in same), median(s.seconds[name] for s in same)) for same in steps]
        for name in PHASES
    }
    found = {name: line(points[name], tokens) for name in PHASES}
    return {**found, "scoring": times * points["scoring"][-1][1], "other": points["other"][-1][1]}


def line(points: Sequence[tuple[float, float]], x: float) -> float:
    """Linear extrapolation to `x`, from the last point and the last one well before it; proportional without one.

    >>> line([(10, 2.0), (20, 3.0)], 40), line([(19, 2.9), (20, 3.0)], 40), line([(10, 9.0), (20, 3.0)], 40)
    (5.0, 6.0, 3.0)
    """
    last, value = points[-1]
    before = [point for point in points if point[0] <= APART * last]
    if x == last or not last:
        return value
    if not before:
        return value * x / last
    return value + max(0.0, (value - before[-1][1]) / (last - before[-1][0])) * (x - last)


def times_taken(steps: int, every: int) -> int:
    """Evaluations of a run, or takings of an exam: before the first step, after the last, and every `every` steps."""
    return 2 + ((steps - 1) // every if every else 0)
