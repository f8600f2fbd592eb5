"""The effect of the survival rules on groups, with a head that knows every probability: no model, no training.

A problem's difficulty is sampled, then each rollout's P(correct) around it (in logits); the posterior is that
probability. Reported for every rule, draw and pass rate: the accuracy of the survivors, the mean of r (1 - r) over
groups (r: a group's accuracy; 0 for groups of fewer than two), and the share of zero-variance groups (fewer than two
survivors, or all equal). `ratio` is r (1 - r) of the rule `group` over that of `random`, fixed size, where most are
incorrect; `printed_ratio` is that of the printed rule, with its own draw, over random with the same draw.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks import common
from workbench import random_numbers
from workbench.pruning.draw import DRAWS
from workbench.pruning.survival import RULES, Bounds, solve_shift

Array = NDArray[np.float64]
BETWEEN, WITHIN = 1.5, 1.0  # standard deviations of logits: of problems, of a problem's rollouts
MEANS = (-1.5, 0.0, 1.5)  # of the logits over problems


def uniforms(name: int, groups: int, size: int) -> Array:
    """Numbers in [0, 1), [group, rollout]; another table for every name."""
    rows = np.arange(groups)
    return random_numbers.uniforms(random_numbers.keys(0, 0, rows, rows, name)[:, None], np.arange(size)[None])


def normals(name: int, groups: int, size: int) -> Array:
    """Standard normal numbers [group, rollout], by Box and Muller."""
    radius = np.sqrt(-2 * np.log1p(-uniforms(name, groups, size)))
    return radius * np.cos(2 * math.pi * uniforms(name + 1, groups, size))


def entrants(chance: Array, bounds: Bounds) -> Iterator[tuple[str, str, Array]]:
    """Rule, draw, and survival probabilities [group, rollout]; the printed rule's shift is solved over all groups."""
    for rule, judge in RULES.items():
        shift = solve_shift(chance.ravel(), bounds.slope, bounds)
        own = Bounds(steepest=bounds.steepest, keep=bounds.keep, shift=shift)
        probability = np.stack([judge(group, own).probability for group in chance])
        for draw in DRAWS:
            yield rule, draw, probability
    yield "all", "bernoulli", np.ones_like(chance)


def outcome(kept: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, float]:
    """What the survivors look like."""
    count, solved = kept.sum(1), (kept & right).sum(1)
    share = solved / np.maximum(count, 1)
    mixed = np.where(count >= 2, share * (1 - share), 0.0)
    dead = (count < 2) | (solved == 0) | (solved == count)
    numbers = {
        "kept": kept.mean(),
        "right": (kept & right).sum() / kept.sum(),
        "mixed": mixed.mean(),
        "mixed_error": mixed.std() / math.sqrt(len(mixed)),
        "dead": dead.mean(),
    }
    return {name: round(float(value), 4) for name, value in numbers.items()}


def play(mean: float, groups: int, size: int, steepest: float) -> dict[str, dict[str, float]]:
    """All rules and draws on the same groups."""
    logit = mean + BETWEEN * normals(1, groups, 1) + WITHIN * normals(3, groups, size)
    chance = 1 / (1 + np.exp(-logit))
    right, uniform, start = (uniforms(name, groups, size) for name in (5, 6, 7))
    found = {}
    for rule, draw, probability in entrants(chance, Bounds(steepest=steepest)):
        rows = zip(probability, uniform, start[:, 0], strict=True)
        kept = np.stack([DRAWS[draw](own, numbers, first) for own, numbers, first in rows])
        found[f"{rule} {draw}"] = outcome(kept, right < chance)
    return found


def main() -> None:
    """Plays every pass rate and prints the table."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--groups", type=int, default=1500)
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--steepest", type=float, default=2.0)
    given = parser.parse_args()
    tables = [play(mean, given.groups, given.size, given.steepest) for mean in MEANS]
    hard = tables[0]
    numbers = {
        "ratio": round(hard["group fixed"]["mixed"] / hard["random fixed"]["mixed"], 3),
        "printed_ratio": round(hard["paper bernoulli"]["mixed"] / hard["random bernoulli"]["mixed"], 3),
        "peer": "random pruning",
        "groups": given.groups,
        "size": given.size,
        "steepest": given.steepest,
        "tables": {f"{table['all bernoulli']['right']:.2f}": table for table in tables},
    }
    common.publish("arrol_sim", numbers, save=given.save)


if __name__ == "__main__":
    main()
