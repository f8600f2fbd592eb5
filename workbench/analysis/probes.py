"""What training did to a model, from finished runs: pass@k curves and where they cross, ε-support, entropy by role.

The probes of arXiv:2510.27072; pass@k up to large k as in arXiv:2504.13837, section 2; support as in arXiv:2507.14843.
All functions take and return plain data, a row for each point.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from workbench.analysis.evaluate import Tally, pass_at, passes
from workbench.analysis.support import by_chance, smallest_seen, support

Line = Mapping[str, Any]
DRAWS = 1000  # of the bootstrap over problems
ENDS = 0.2  # share of a series that counts as its beginning, and as its end
ENTROPY = "entropy"


def powers(most: int) -> list[int]:
    """The k of a curve: powers of two up to `most`, and `most` itself.

    >>> powers(20)
    [1, 2, 4, 8, 16, 20]
    """
    if most < 1:
        raise ValueError(f"k = {most}: a curve needs at least one graded completion of every problem")
    found = [2**exponent for exponent in range(most.bit_length()) if 2**exponent <= most]
    return found if found[-1] == most else [*found, most]


def pass_curve(tallies: Sequence[Tally]) -> list[dict[str, float]]:
    """pass@k for k = 1, 2, 4, … up to the completions that every problem has, with intervals over problems."""
    rows = []
    for tries in powers(fewest(tallies)):
        found = passes(tallies, tries)
        rows.append({"k": float(tries), "value": found.value, "low": found.low, "high": found.high})
    return rows


def fewest(*models: Sequence[Tally]) -> int:
    """The completions that every problem of every model has; 0 without problems."""
    return min((tally.graded for tallies in models for tally in tallies), default=0)


@dataclass(frozen=True)
class Crossing:
    """Where a model's pass@k falls to another's. `k`: the first power of two at which it is no longer above.

    None: it stays above up to `most`; 1: it is not above even at k = 1. `low` and `high` are the interval over
    problems, infinite where the curves do not cross; `share` of the draws have a crossing after k = 1.
    """

    k: int | None
    low: float
    high: float
    share: float
    most: int

    def document(self) -> dict[str, float | None]:
        """Plain data; None where there is no crossing."""
        bounds = {name: getattr(self, name) for name in ("low", "high")}
        finite = {name: value if math.isfinite(value) else None for name, value in bounds.items()}
        return {"k": self.k, **finite, "share": self.share, "most": self.most}


def crossing(trained: Sequence[Tally], base: Sequence[Tally], seed: int = 0) -> Crossing:
    """Where the pass@k of a trained model falls to its base's, on the same problems; a bootstrap over problems.

    ValueError where the problems are not as many.
    """
    if len(trained) != len(base):
        raise ValueError(f"{len(trained)} and {len(base)} problems: compare two models on the same ones")
    tries = powers(fewest(trained, base))
    gains = numpy.array([[gain_of(*pair, k) for k in tries] for pair in zip(trained, base, strict=True)])
    dice = numpy.random.default_rng(seed)
    draws = [first_loss(gains[dice.integers(0, len(gains), len(gains))], tries) for _ in range(DRAWS)]
    low, high = numpy.percentile(draws, [2.5, 97.5], method="inverted_cdf")
    share = sum(1 < draw < math.inf for draw in draws) / DRAWS
    own = first_loss(gains, tries)
    return Crossing(int(own) if math.isfinite(own) else None, float(low), float(high), share, tries[-1])


def gain_of(trained: Tally, base: Tally, tries: int) -> float:
    """The difference in pass@k on one problem."""
    return pass_at(trained.correct, trained.graded, tries) - pass_at(base.correct, base.graded, tries)


def first_loss(gains: NDArray[numpy.float64], tries: Sequence[int]) -> float:
    """The first k at which the mean gain over problems is not above 0; infinite where there is none."""
    return next((float(k) for k, mean in zip(tries, gains.mean(0), strict=True) if mean <= 0), math.inf)


def leash(trained: Sequence[Tally], base: Sequence[Tally]) -> dict[str, float | int | None]:
    """ε-support: problems kept, gained and lost, with SRR, NDR, SDS and NSCR, and what of it chance explains.

    `epsilon`: the probability of a correct completion that as many misses exclude at 95 %; `by_chance`: problems that
    the base would gain, and lose, against itself at half as many completions.
    """
    return {
        **support(trained, base).document(),
        "completions": fewest(trained, base),
        "epsilon": smallest_seen(fewest(trained, base)),
        "by_chance": by_chance(base),
    }


# ------------------------------------------------------------------------------------------ along a run


def entropy_by_role(lines: Iterable[Line]) -> dict[str, list[tuple[int, float]]]:
    """(step, mean entropy of the trained tokens) of every role, from a run's metrics; "" solves problems.

    A role whose rollouts are not trained on, as a frozen proposer's, has none.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in line.items():
            if (name == ENTROPY or name.startswith(f"{ENTROPY}.")) and is_known(value):
                found.setdefault(name.removeprefix(ENTROPY).removeprefix("."), []).append((line["step"], float(value)))
    return found


def is_known(value: object) -> bool:
    """Whether a recorded value is a number and not nan."""
    return isinstance(value, int | float) and value == value


def ends(values: Sequence[float], share: float = ENDS) -> tuple[float, float]:
    """The means of the first and of the last part of a series, each at least one value; nan of nothing.

    >>> ends([1.0, 2.0, 3.0, 4.0, 5.0])
    (1.0, 5.0)
    """
    known = [value for value in values if value == value]
    if not known:
        return math.nan, math.nan
    count = max(1, round(share * len(known)))
    return sum(known[:count]) / count, sum(known[-count:]) / count


def trend(values: Sequence[float], share: float = ENDS) -> float:
    """How much a series rose from its first part to its last; nan of nothing."""
    first, last = ends(values, share)
    return last - first


def by_step(rows: Iterable[Line], columns: Sequence[str]) -> list[dict[str, float]]:
    """The means of some columns of a curriculum's rows at every step, with their count."""
    members: dict[int, list[Line]] = {}
    for row in rows:
        members.setdefault(int(row["step"]), []).append(row)
    return [
        {"step": step, "count": len(own), **{name: mean([row.get(name) for row in own]) for name in columns}}
        for step, own in sorted(members.items())
    ]


def mean(values: Iterable[Any]) -> float:
    """The mean of the values that are known; nan of none."""
    known = [float(value) for value in values if is_known(value)]
    return sum(known) / len(known) if known else math.nan
