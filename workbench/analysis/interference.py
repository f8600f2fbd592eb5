"""What learning one problem does to the others. The Reasoning Boundary Paradox, arXiv:2510.02230.

*Negative interference*: an update on some problems makes correct completions of others less likely. *Winner takes all*:
problems that the base solves often gain, those it solves seldom are given up. The paper's text defines both by their
effect; the forms here are this project's, and say so.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from typing import Any

import torch
from torch import Tensor

from workbench.analysis.evaluate import Estimate, Tally, estimate
from workbench.analysis.support import BINS
from workbench.types.memory import Ledger

DRAWS = 200  # halvings of the base's completions


@dataclass(frozen=True)
class Interference:
    """Of correct completions of problems that a step did not train on: by how much they became more likely."""

    mean: Estimate  # nats per completion; negative: less likely
    negative: Estimate  # share that became less likely


def interference(changes: Sequence[float]) -> Interference:
    """The changes in log-probability of correct completions, summed over their tokens. ValueError without any."""
    return Interference(estimate(list(changes)), estimate([float(change < 0) for change in changes]))


def changes_of(probes: Iterable[Mapping[str, Any]]) -> list[float]:
    """The changes of a run's tracked problems in the step after an evaluation: rows of its probes.

    Σ_t (after_logprob_t - logprob_t) of every correct rollout that was scored again (`record.after`). Tracked problems
    are held out, so the step trained on none of them.
    """
    found = []
    for row in probes:
        before, after = row.get("logprob"), row.get("after_logprob")
        if row["correct"] != 1 or before is None or after is None or not len(before):
            continue
        change = sum(map(float, after)) - sum(map(float, before))
        if not isnan(change):
            found.append(change)
    return found


def effects(logprobs: Sequence[Tensor], advantages: Sequence[float], weights: Sequence[Tensor]) -> Tensor:
    """What an update on each completion does to each log-prob, to first order, at a learning rate of 1, [of, by].

    advantage · <∇ log π(y | x), ∇ log π(y' | x')>. `logprobs`: of whole completions, numbers with a graph; `weights`:
    what the update would change.
    """
    matrix = torch.stack([gradient(each, weights) for each in logprobs])
    return matrix @ (matrix * torch.tensor(advantages, dtype=matrix.dtype)[:, None]).T


def gradient(logprob: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """The gradient of a number by all weights, flat; 0 where it does not depend on one."""
    found = torch.autograd.grad(logprob, list(weights), retain_graph=True, allow_unused=True)
    parts = [torch.zeros_like(weight) if part is None else part for part, weight in zip(found, weights, strict=True)]
    return torch.cat([part.flatten() for part in parts])


def between_problems(effect: Tensor, correct: Sequence[bool], problem: Sequence[int]) -> list[float]:
    """Of `effects`, the changes of correct completions by updates on other problems, for `interference`."""
    own, of = torch.tensor(problem), torch.tensor(correct)
    found: list[float] = effect[of[:, None] & (own[:, None] != own[None, :])].tolist()
    return found


@dataclass(frozen=True)
class WinnerTakesAll:
    """How solve rates moved, by the rate under the base.

    `easy`, `hard`: mean change of problems that the base solves in more than half, or in up to half, of its tries and
    at least once; nan where there are none. `polarised`: by how much the share of problems that are solved never or
    always grew.
    """

    easy: float
    hard: float
    polarised: float

    @property
    def difference(self) -> float:
        """easy - hard; positive where the winners take."""
        return self.easy - self.hard


def winner_takes_all(trained: Sequence[Tally], base: Sequence[Tally], seed: int = 0) -> WinnerTakesAll:
    """The measure on the same problems, as many completions in both.

    Who is sorted by a noisy rate and then compared with it moves towards the mean by that alone. So the base's
    completions are halved at random: one half sorts, the other is compared with; the mean over `DRAWS` halvings.
    """
    draw = random.Random(seed)
    sums: dict[bool, list[float]] = {True: [], False: []}
    for own, other in zip(trained, base, strict=True):
        half = other.graded // 2
        if not half:
            raise ValueError(f"a problem has {other.graded} completions of the base: sample two or more")
        for _ in range(DRAWS):
            sorting = sum(draw.sample([1] * other.correct + [0] * (other.graded - other.correct), half))
            if sorting:
                left = (other.correct - sorting) / (other.graded - half)
                sums[2 * sorting > half].append(own.correct / own.graded - left)
    easy, hard = (sum(own) / len(own) if own else nan for own in (sums[True], sums[False]))
    return WinnerTakesAll(easy, hard, extreme(trained) - extreme(base))


def extreme(tallies: Sequence[Tally]) -> float:
    """The share of problems that are solved never or always."""
    return sum(tally.correct in (0, tally.graded) for tally in tallies) / len(tallies)


def change_by_rate(
    trained: Sequence[Tally], base: Sequence[Tally], bins: Sequence[float] = BINS
) -> list[tuple[int, float]]:
    """(problems, mean change of the solve rate) by the rate under the base: never, (0, 0.25], …, (0.75, 1].

    >>> change_by_rate([Tally(2, 4), Tally(4, 4)], [Tally(0, 4), Tally(2, 4)])[:3]
    [(1, 0.5), (0, nan), (1, 0.5)]
    """
    pairs = [(other.correct / other.graded, own.correct / own.graded) for own, other in zip(trained, base, strict=True)]
    groups = [[after for before, after in pairs if before == 0]]
    found = [[after - before for before, after in pairs if low < before <= high] for low, high in pairwise(bins)]
    return [(len(own), sum(own) / len(own) if own else nan) for own in (*groups, *found)]


def tallies_around(ledger: Ledger, step: int) -> tuple[list[Tally], list[Tally]]:
    """The problems visited both up to a step and after it, (before, after): what `winner_takes_all` compares."""
    before, after = list[Tally](), list[Tally]()
    for key in ledger.by_key:
        visits = ledger.visits(key)
        parts = [each for each in visits if each.step <= step], [each for each in visits if each.step > step]
        sums = [Tally(round(sum(v.successes for v in part)), sum(v.attempts for v in part)) for part in parts]
        if all(each.graded for each in sums):
            before.append(sums[0])
            after.append(sums[1])
    return before, after
