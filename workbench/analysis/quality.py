"""Success rate and quality ratio of optimisation problems. NP-Engine, arXiv:2510.16476, section 4."""

from collections.abc import Sequence

from workbench.analysis.evaluate import Estimate, estimate


def success_rate(qualities: Sequence[Sequence[float]]) -> Estimate:
    """Share of problems with a feasible solution (quality above 0) among their samples.

    `qualities`: for each problem those of its samples, 0 where a sample is infeasible.

    >>> success_rate([[0.0, 0.5], [0.0, 0.0]]).value
    0.5
    """
    return estimate([float(max(own) > 0) for own in qualities])


def quality_ratio(qualities: Sequence[Sequence[float]]) -> Estimate:
    """Mean of the best quality among a problem's samples; a problem without a feasible one counts 0.

    >>> quality_ratio([[0.0, 0.5], [0.0, 0.0]]).value
    0.25
    """
    return estimate([max(own) for own in qualities])
