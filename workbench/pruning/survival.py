"""Survival rules: the probability with which each rollout of a group continues, from its posterior P(correct).

All are p = clip(keep + shift + slope (target - posterior), least, most), ARRoL's equation 2 (arXiv:2603.24840); the
paper writes λ for the slope, δ for the shift, κ for keep and ρ for the target. They differ in the slope and in whom
the shift is solved over.

A fixed slope above 0 always favours the less likely ones: unclipped, the survivors' mean posterior is
mean - slope · variance / keep. That helps where most rollouts are right and harms where most are wrong. The rules
`sign` and `group` let the slope change its sign.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HALVINGS = 60  # of the slope's interval: beyond float64's last digit


@dataclass(frozen=True)
class Bounds:
    """The bounds that every rule keeps, and the slopes of the rules that have one."""

    keep: float = 0.5  # mean survival probability
    target: float = 0.5  # target share of correct rollouts among the survivors
    least: float = 0.1
    most: float = 0.9
    slope: float = 0.5  # of `paper` and `sign`
    steepest: float = 2.0  # of `group`
    shift: float = 0.0  # of `paper`: solved over all recent scores, not over the group


@dataclass(frozen=True)
class Survival:
    """The probabilities [rollout], and the slope and shift behind them."""

    probability: Array
    slope: float = 0.0
    shift: float = 0.0


def affine(posterior: Array, slope: float, shift: float, bounds: Bounds) -> Survival:
    """p = clip(keep + shift + slope (target - posterior), least, most)."""
    line = bounds.keep + shift + slope * (bounds.target - posterior)
    return Survival(np.clip(line, bounds.least, bounds.most), slope, shift)


def solve_shift(posterior: Array, slope: float, bounds: Bounds, weight: Array | None = None) -> float:
    """The shift with which the (weighted) mean probability is `keep`, exactly; `keep` lies between the bounds.

    The mean is piecewise linear in the shift, with a corner where a rollout reaches a bound: the corners are sorted,
    the mean is summed up along them, and the place of `keep` is read off by interpolation.
    """
    weight = np.full(len(posterior), 1 / len(posterior)) if weight is None else weight / weight.sum()
    line = bounds.keep + slope * (bounds.target - posterior)
    corners = np.concatenate([bounds.least - line, bounds.most - line])
    order = np.argsort(corners, kind="stable")
    corners, steepness = corners[order], np.concatenate([weight, -weight])[order].cumsum()
    mean = bounds.least + np.concatenate([[0.0], (steepness[:-1] * np.diff(corners)).cumsum()])
    reached = np.maximum.accumulate(mean)  # rounding must not make it decrease
    return float(np.interp(bounds.keep, reached, corners))


def survivors_mean(posterior: Array, probability: Array) -> float:
    """Expected share of correct rollouts among the survivors: Σ p · posterior / Σ p."""
    return float(probability @ posterior / probability.sum())


def paper(posterior: Array, bounds: Bounds) -> Survival:
    """As printed in the paper: a fixed slope above 0, and one shift for all groups."""
    return affine(posterior, bounds.slope, bounds.shift, bounds)


def sign(posterior: Array, bounds: Bounds) -> Survival:
    """The printed slope times sign(mean posterior of the group - target), so that it always leads to the target."""
    slope = bounds.slope * float(np.sign(posterior.mean() - bounds.target))
    return affine(posterior, slope, solve_shift(posterior, slope, bounds), bounds)


def group(posterior: Array, bounds: Bounds) -> Survival:
    """Slope and shift solved for this group: Σ p = keep · n and Σ p · posterior = target · Σ p.

    The survivors' mean falls as the slope rises, so the slope is bisected within ±steepest; where the target lies out
    of reach it is the end of that range. Unclipped, slope = keep (mean - target) / variance. Where all are equally
    likely to be right no slope changes anything, and it is 0.
    """

    def at(slope: float) -> Survival:
        return affine(posterior, slope, solve_shift(posterior, slope, bounds), bounds)

    if np.ptp(posterior) < 1e-12:
        return at(0.0)
    low, high = -bounds.steepest, bounds.steepest
    for slope, out_of_reach in ((low, -1), (high, 1)):
        found = at(slope)
        if out_of_reach * (survivors_mean(posterior, found.probability) - bounds.target) >= 0:
            return found
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if survivors_mean(posterior, at(middle).probability) > bounds.target:
            low = middle
        else:
            high = middle
    return at((low + high) / 2)


def random(posterior: Array, bounds: Bounds) -> Survival:
    """The same for every rollout: p = keep. The baseline of the other rules."""
    return Survival(np.full(len(posterior), bounds.keep))


RULES: dict[str, Callable[[Array, Bounds], Survival]] = {
    "paper": paper,
    "sign": sign,
    "group": group,
    "random": random,
}
