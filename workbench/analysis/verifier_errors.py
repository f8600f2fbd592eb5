"""How often a verifier errs: from completions with known grades, or from appeals. arXiv:2510.00915."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.evaluate import Estimate, estimate


@dataclass(frozen=True)
class Errors:
    """Shares with intervals: of correct completions rejected, of incorrect ones accepted. None: there were none."""

    missed: Estimate | None
    accepted: Estimate | None


def error_rates(graded: Sequence[float], true: Sequence[float]) -> Errors:
    """The error rates of grades (1 or 0; nan where unscored, left out) against true ones, for the corrections.

    >>> found = error_rates([1, 0, 1, 1], [1, 1, 0, 1])
    >>> found.missed.value, found.accepted.value
    (0.3333333333333333, 1.0)
    """
    pairs = [pair for pair in zip(graded, true, strict=True) if not any(value != value for value in pair)]
    missed = [float(grade == 0) for grade, truth in pairs if truth == 1]
    accepted = [float(grade == 1) for grade, truth in pairs if truth == 0]
    return Errors(estimate(missed) if missed else None, estimate(accepted) if accepted else None)


def missed_by_appeals(accepted: int, rejected: int, appealed: int, overturned: int) -> float:
    """The share of correct completions that a verifier rejects, from appeals of a random part of its rejections.

    FN = overturned · rejected / appealed, missed = FN / (accepted + FN): what it accepts is taken to be correct.

    Raises:
        ValueError: if more were appealed than rejected, or overturned than appealed, or none was appealed.

    >>> round(missed_by_appeals(accepted=40, rejected=60, appealed=30, overturned=6), 4)
    0.2308
    """
    if not 0 <= overturned <= appealed <= rejected or not appealed:
        raise ValueError(
            f"{overturned} overturned of {appealed} appealed of {rejected} rejected: give numbers that fit, and at "
            "least one appeal"
        )
    negatives = overturned * rejected / appealed
    return negatives / (accepted + negatives) if accepted + negatives else 0.0
