"""Draws survivors from survival probabilities, compared as 24-bit integers, so that no rounding decides.

Each rollout brings its own uniform number, keyed by what it is: the outcome does not depend on the order of rows.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNIT = 1 << 24  # a probability of 1


def whole(numbers: Array) -> Whole:
    """Numbers in [0, 1] in units of 2⁻²⁴, rounded down."""
    return np.floor(numbers * UNIT).astype(np.int64)


def bernoulli(probability: Array, uniform: Array, start: float = 0.0) -> Flags:
    """Independent draws: a rollout survives if its uniform number is below its probability.

    >>> bernoulli(np.array([0.3, 0.6]), np.array([0.31, 0.12])).tolist()
    [False, True]
    """
    del start
    return whole(uniform) < whole(probability)


def systematic(probability: Array, uniform: Array, start: float) -> Flags:
    """As many survivors as the probabilities add up to, each with exactly its own probability.

    The rollouts stand in a row in the order of their uniform numbers, each as long as its probability; marks at
    `start`, start + 1, start + 2, … pick who they fall on. Without a whole sum the number of survivors is one of its
    two neighbours.

    >>> systematic(np.array([0.5, 0.5, 0.5, 0.5]), np.array([0.4, 0.1, 0.3, 0.2]), start=0.25).tolist()
    [False, True, True, False]
    """
    order = np.argsort(uniform, kind="stable")
    after = settled(probability)[order].cumsum()
    marks = (np.concatenate([[0], after]) - 1 - int(start * UNIT)) // UNIT
    kept = np.zeros(len(probability), dtype=bool)
    kept[order] = np.diff(marks) > 0
    return kept


def settled(probability: Array) -> Whole:
    """The probabilities in units, with a sum that is whole where theirs is, to within rounding.

    The few units that rounding costs go to the rollout nearest to 1/2, which is at no bound.
    """
    units = whole(probability)
    missing = round(float(probability.sum())) * UNIT - int(units.sum())
    if abs(missing) <= 2 * len(units):
        units[np.abs(probability - 0.5).argmin()] += missing
    return units


DRAWS: dict[str, Callable[[Array, Array, float], Flags]] = {"fixed": systematic, "bernoulli": bernoulli}
