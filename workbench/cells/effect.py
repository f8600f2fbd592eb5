"""What a method does to correct and incorrect rollouts, in one line: the check that finds a forgotten sign."""

from dataclasses import dataclass

import torch

from workbench.cells.trial import made_up
from workbench.method import Method, lens

REWARDS = [[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]  # two mixed groups, two of equal rewards
LENGTHS = [3, 2, 3, 2, 2, 3, 2, 3, 3, 2, 3, 2]
REVERSED = "WARNING, the sign looks reversed (a loss is minimised: did you forget a minus?): "
MIXED = 8  # rollouts in the mixed groups, which come first


@dataclass(frozen=True)
class Effect:
    """Of made-up rollouts, how many of each kind have a positive, and how many a negative, sum of gradient weights."""

    correct: tuple[int, int, int]  # up-weighted, down-weighted, all
    incorrect: tuple[int, int, int]
    equal: float  # largest gradient weight in the groups of equal rewards

    @classmethod
    def of(cls, method: Method) -> "Effect":
        """The effect of a method on rollouts that the policy itself sampled."""
        made = made_up(method, REWARDS, LENGTHS)
        batch = made.replace(old_logprob=made.logprob)
        weight = lens(method, batch).nan_to_num()
        total, right = weight.sum(1)[:MIXED], batch.reward[:MIXED] > 0
        return cls(count(total[right]), count(total[~right]), float(weight[MIXED:].abs().max()))

    @property
    def reversed(self) -> bool:
        """Whether correct rollouts become less likely, or incorrect ones more likely, and nothing the other way."""
        (up, down, _), (raised, lowered, _) = self.correct, self.incorrect
        return (down > up and raised >= lowered) or (raised > lowered and down >= up)

    def __str__(self) -> str:
        kinds = {"correct": self.correct, "incorrect": self.incorrect}
        parts = [f"{name} rollouts: {said(*counts)}" for name, counts in kinds.items()]
        rest = "no gradient" if self.equal < 1e-6 else f"gradient weights up to {self.equal:.2g}"
        return "; ".join([*parts, f"groups of equal rewards: {rest}"])


def count(total: torch.Tensor) -> tuple[int, int, int]:
    """How many sums are above zero, below zero, and how many there are."""
    return int((total > 1e-6).sum()), int((total < -1e-6).sum()), len(total)


def said(up: int, down: int, number: int) -> str:
    """One kind of rollouts in words.

    >>> said(4, 0, 4), said(1, 2, 4), said(0, 0, 4)
    ('up-weighted 4 of 4', 'up-weighted 1, down-weighted 2 of 4', 'no gradient')
    """
    found = [f"{word} {many}" for word, many in (("up-weighted", up), ("down-weighted", down)) if many]
    return f"{', '.join(found)} of {number}" if found else "no gradient"


def report(key: str, method: Method) -> str:
    """The line printed after a method was tried; it begins with a warning where the sign looks reversed."""
    effect = Effect.of(method)
    return f"{key}: {REVERSED if effect.reversed else ''}{effect}"
