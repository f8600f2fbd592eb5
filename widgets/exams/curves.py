"""pass@k of several models on the problems that all of them were asked, and where two curves cross.

Unbiased pass@k (arXiv:2107.03374) over k, as in arXiv:2504.13837; intervals are of the bootstrap over problems.
"""

import functools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from workbench.analysis.evaluate import Estimate, Tally, gain, passes
from workbench.analysis.probes import fewest, powers
from workbench.analysis.support import BINS, by_chance, support, transitions
from workbench.runs.directory.paths import plain

Tallies = tuple[Tally, ...]
STATES = ("gained", "lost", "kept", "neither")


def common(models: Sequence[dict[str, Tally]]) -> tuple[list[str], list[Tallies]]:
    """The problems that every model was asked, and their tallies; ValueError where there are none."""
    keys = [key for key in models[0] if all(key in model for model in models)] if models else []
    if not keys:
        raise ValueError("these models were asked no problem in common: choose models of one exam and one split")
    return keys, [tuple(model[key] for key in keys) for model in models]


def tries_of(models: Sequence[Tallies]) -> list[int]:
    """The k that every problem of every model has completions for; ValueError where a problem has none."""
    most = fewest(*models)
    if most < 1:
        raise ValueError("a problem has no graded completion: its curve is not known; evaluate the checkpoint again")
    return powers(most)


def curve(tallies: Tallies, tries: Sequence[int]) -> list[dict[str, float]]:
    """pass@k with its interval for each k."""
    return [{"k": count, **numbers(passed(tallies, count))} for count in tries]


@functools.lru_cache(maxsize=512)
def passed(tallies: Tallies, tries: int) -> Estimate:
    """pass@k of a model."""
    return passes(tallies, tries)


@functools.lru_cache(maxsize=512)
def gained(tallies: Tallies, base: Tallies, tries: int) -> Estimate:
    """The paired difference in pass@k of two models."""
    return gain(tallies, base, tries)


def numbers(found: Estimate) -> dict[str, float]:
    """An estimate as plain data."""
    return {"value": found.value, "low": found.low, "high": found.high}


def compared(tallies: Tallies, base: Tallies, tries: Sequence[int]) -> dict[str, Any]:
    """A model against a base: the paired gain at each k, and where the curves cross."""
    gains = [{"k": count, **numbers(gained(tallies, base, count))} for count in tries]
    return {"gains": gains, "crossings": crossings(gains)}


def crossings(gains: Sequence[dict[str, float]]) -> list[dict[str, Any]]:
    """Where a gain changes its sign, between two k on a logarithmic axis.

    `clear`: the interval of the gain lies on one side of zero at some k before, and on the other at some k behind.

    >>> above = {"k": 1, "value": 0.1, "low": 0.05, "high": 0.15}
    >>> below = {"k": 4, "value": -0.1, "low": -0.2, "high": -0.05}
    >>> found = crossings([above, below])
    >>> round(found[0]["k"], 6), found[0]["clear"], found[0]["falls"]
    (2.0, True, True)
    """
    known = [each for each in gains if each["value"] != 0]
    found = []
    for before, behind in pairwise(known):
        if (before["value"] > 0) == (behind["value"] > 0):
            continue
        part = before["value"] / (before["value"] - behind["value"])
        place = math.log2(before["k"]) + part * (math.log2(behind["k"]) - math.log2(before["k"]))
        sides = (
            [sign_of(each) for each in gains if each["k"] <= before["k"]],
            [sign_of(each) for each in gains if each["k"] >= behind["k"]],
        )
        falls = before["value"] > 0
        clear = (1 if falls else -1) in sides[0] and (-1 if falls else 1) in sides[1]
        found.append({"k": 2**place, "clear": clear, "falls": falls})
    return found


def sign_of(each: dict[str, float]) -> int:
    """On which side of zero the interval of a gain lies; 0: on both."""
    return 1 if each["low"] > 0 else -1 if each["high"] < 0 else 0


def matrix(keys: Sequence[str], tallies: Tallies, base: Tallies, most: int) -> dict[str, Any]:
    """Problems gained, lost, kept and never solved, with the first `most` of each, and solve rates before and after.

    `error` says why two models cannot be compared so: they have different numbers of completions.
    """
    try:
        found = support(tallies, base)
    except ValueError as error:
        return {"error": str(error)}
    problems = {
        state: [
            [keys[place], base[place].correct, tallies[place].correct, tallies[place].graded]
            for place in getattr(found, state)[:most]
        ]
        for state in STATES
    }
    edges = ["never", *(f"≤ {100 * high:.0f} %" for high in BINS[1:-1]), "< 100 %", "always"]
    rates = {"transitions": transitions(tallies, base), "edges": edges}
    return {"error": "", "counts": plain(found.document()), "by_chance": by_chance(base), "problems": problems, **rates}
