"""Whether training on one problem costs another. The reasoning boundary paradox, arXiv:2510.02230.

To first order an update on a completion y' of one problem changes the log-prob of a completion y of another one by
learning rate · advantage · <gradient of log p(y), gradient of log p(y')>. Below zero for a correct y it is *negative
interference*. That solved problems win what unsolved ones lose is *winner take all*. Both measures are read from the
paper's idea; their exact form there was not published with its code.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.types.memory import Ledger


def effects(logprobs: Sequence[Tensor], advantages: Sequence[float], weights: Sequence[Tensor]) -> Tensor:
    """What an update on each completion does to each log-prob at a learning rate of 1, [of, by].

    `logprobs`: of whole completions, numbers with a graph; `weights`: what the update would change.
    """
    rows = [gradient(each, weights) for each in logprobs]
    matrix = torch.stack(rows)
    pushes = matrix * torch.tensor(advantages, dtype=matrix.dtype)[:, None]
    return matrix @ pushes.T


def gradient(logprob: Tensor, weights: Sequence[Tensor]) -> Tensor:
    """The gradient of a number by all weights, flat; 0 where it does not depend on one."""
    found = torch.autograd.grad(logprob, list(weights), retain_graph=True, allow_unused=True)
    parts = [torch.zeros_like(weight) if part is None else part for part, weight in zip(found, weights, strict=True)]
    return torch.cat([part.flatten() for part in parts])


@dataclass(frozen=True)
class Interference:
    """Over all pairs of an update and a correct completion of another problem."""

    pairs: int
    negative: float  # share of the pairs in which the update makes the correct completion less likely
    mean: float  # change of the log-prob at a learning rate of 1; nan without a pair


def interference(effect: Tensor, correct: Sequence[bool], problem: Sequence[int]) -> Interference:
    """Reads `effects`: a row for each completion, with whether it is correct and the problem it belongs to."""
    own, of = torch.tensor(problem), torch.tensor(correct)
    chosen = effect[of[:, None] & (own[:, None] != own[None, :])]
    if not len(chosen):
        return Interference(0, math.nan, math.nan)
    return Interference(len(chosen), (chosen < 0).double().mean().item(), chosen.mean().item())


@dataclass(frozen=True)
class WinnerTakeAll:
    """How problems that were solved often and seldom changed, by their rates of success before and after."""

    often: float  # mean change of the problems solved at least half of the time before; nan without any
    seldom: float  # of those that were solved less often, though not never
    lost: float  # share of the latter that are never solved after

    @property
    def gap(self) -> float:
        """How much more those gained that were ahead; above 0 the winners take it."""
        return self.often - self.seldom


def winner_take_all(before: Sequence[float], after: Sequence[float]) -> WinnerTakeAll:
    """Compares rates of success problem by problem; problems with a nan in either are left out.

    >>> winner_take_all([0.75, 0.5, 0.25, 0.125, 0.0], [1.0, 0.75, 0.25, 0.0, 0.0])
    WinnerTakeAll(often=0.25, seldom=-0.0625, lost=0.5)
    """
    pairs = [(old, new) for old, new in zip(before, after, strict=True) if old == old and new == new]
    often = [new - old for old, new in pairs if old >= 0.5]
    seldom = [new - old for old, new in pairs if 0 < old < 0.5]
    gone = [float(new == 0) for old, new in pairs if 0 < old < 0.5]
    return WinnerTakeAll(*(sum(values) / len(values) if values else math.nan for values in (often, seldom, gone)))


def rates_around(ledger: Ledger, step: int) -> tuple[list[float], list[float]]:
    """The rates of success of all visited problems up to a step, and after it; nan without a visit."""
    before, after = list[float](), list[float]()
    for key in ledger.by_key:
        visits = ledger.visits(key)
        for found, part in (
            (before, [each for each in visits if each.step <= step]),
            (after, [each for each in visits if each.step > step]),
        ):
            attempts = sum(each.attempts for each in part)
            found.append(sum(each.successes for each in part) / attempts if attempts else math.nan)
    return before, after
