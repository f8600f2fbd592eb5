"""Worked and guessed answers for the embedded tasks: what the embedded model was warmed up on.

Two habits, both with slips: to guess at once, mostly wrong, and to work step by step, mostly right.
"""

from dataclasses import dataclass
from random import Random

from workbench.tasks.chains import LIMIT, Chain, apply
from workbench.types import Problem


@dataclass(frozen=True)
class Habits:
    """How often which habit is shown, and how often it slips. All are probabilities."""

    steps: float = 0.4  # an answer is worked step by step
    slip: float = 0.02  # one of its steps has a wrong result, from which it goes on
    right: float = 0.15  # a guess is right


def trace(problem: Problem, habits: Habits, random: Random) -> str:
    """An answer to a problem of `sums` or `word_problems`, in one of the two habits."""
    chain = Chain(tuple(problem.data["numbers"]), tuple(problem.data["operations"]))
    return worked(chain, habits, random) if random.random() < habits.steps else guessed(chain, habits, random)


def worked(chain: Chain, habits: Habits, random: Random) -> str:
    """Every calculation written down; a slip is carried on into the next step."""
    value, steps = chain.numbers[0], []
    for operation, number in zip(chain.operations, chain.numbers[1:], strict=True):
        true = min(max(apply(operation, value, number), 1), LIMIT)  # only a slip before can have led outside
        result = near(true, random) if random.random() < habits.slip else true
        steps.append(f"{value} {operation} {number} = {result}")
        value = result
    if random.random() < 0.5:
        openers = ("First", "Then", "Then")
        steps = [f"{opener} {step}" for opener, step in zip(openers, steps, strict=False)]
    return ". ".join(steps) + f".\nanswer: {value}"


def guessed(chain: Chain, habits: Habits, random: Random) -> str:
    """A number at once: the right one, a near one, or the one found where the last operation is forgotten."""
    true = chain.results[-1]
    guess = true
    if random.random() >= habits.right:
        forgot = (chain.numbers[0], *chain.results)[-2]
        guess = forgot if random.random() < 0.2 else near(true, random)
    opening = random.choice(("", "", f"I guess it is {guess}.\n"))
    return f"{opening}answer: {guess}"


def near(true: int, random: Random) -> int:
    """Another number within 15 of the true one, between 1 and `LIMIT`."""
    low, high = max(1, true - 15), min(LIMIT, true + 15)
    return random.choice([number for number in range(low, high + 1) if number != true])
