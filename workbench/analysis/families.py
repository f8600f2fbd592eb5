"""Scores of families of problems, such as the variants of one template. VAR-MATH, arXiv:2507.12885, section 3."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.evaluate import Estimate, estimate

Family = Sequence[Sequence[bool]]  # [variant][sample]: whether a sample of a variant is correct
DRAWS = 1000  # of one sample for every variant


@dataclass(frozen=True)
class FamilyScore:
    """Strict: all variants of a family are correct; loose: the mean over them; both with intervals over families.

    `first` is the accuracy on the first variant alone, as on the problem that was varied. `spread` is the standard
    deviation of the strict score over draws of one sample for every variant: a model with errors per try loses strict
    score even if it understood every template (p to the power of the number of variants).
    """

    strict: Estimate
    loose: Estimate
    first: Estimate
    spread: float


def family_score(families: Sequence[Family], seed: int = 0) -> FamilyScore:
    """The scores of families of variants; ValueError without any, or with a variant without sample."""
    if not families or any(not variant for family in families for variant in family):
        raise ValueError("families without variants, or variants without samples: evaluate every variant once or more")
    choose = random.Random(seed)
    draws = [[[choose.choice(variant) for variant in family] for family in families] for _ in range(DRAWS)]
    strict = [sum(all(family) for family in draw) / len(families) for draw in draws]
    mean = sum(strict) / DRAWS
    by_family = [sum(all(draw[place]) for draw in draws) / DRAWS for place in range(len(families))]
    return FamilyScore(
        strict=estimate(by_family),
        loose=estimate([sum(map(share, family)) / len(family) for family in families]),
        first=estimate([share(family[0]) for family in families]),
        spread=(sum((value - mean) ** 2 for value in strict) / DRAWS) ** 0.5,
    )


def by_family(rates: Sequence[tuple[str, float]]) -> dict[str, list[float]]:
    """`strict`, `loose` and `first` of every family, from the accuracy of each of its variants, in their order.

    Strict is the product of the variants' accuracies: the chance that one completion of each is correct throughout.

    >>> by_family([("a", 1.0), ("a", 0.5), ("b", 0.0)])
    {'strict': [0.5, 0.0], 'loose': [0.75, 0.0], 'first': [1.0, 0.0]}
    """
    families: dict[str, list[float]] = {}
    for name, rate in rates:
        families.setdefault(name, []).append(rate)
    return {
        "strict": [math.prod(own) for own in families.values()],
        "loose": [sum(own) / len(own) for own in families.values()],
        "first": [own[0] for own in families.values()],
    }


def share(samples: Sequence[bool]) -> float:
    """The share of correct samples."""
    return sum(samples) / len(samples)
