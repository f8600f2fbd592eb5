"""How good the tests of a programming problem are, and better ones: SAGA's measures and differential tests.

A test is good for what it rejects. Given accepted and incorrect programs, an input on which the accepted agree and an
incorrect one differs is a test, with the output of the accepted. Source: Rethinking Verification for LLM Code
Generation (SAGA, TCGBench), arXiv:2507.06920. There a language model writes generators of inputs, here known inputs are
varied.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from workbench.sandbox.jobs import Executor, Job, Outcome, Result
from workbench.sandbox.values import read, same, written

EDGES = (0, 1, -1, 2, 10, 100, -100)  # numbers at which programs tend to differ


@dataclass(frozen=True)
class Suite:
    """Inputs with the outputs of the accepted programs, and which incorrect program each of them rejects."""

    calls: tuple[str, ...]
    outputs: tuple[str, ...]
    rejects: tuple[tuple[bool, ...], ...]  # a row a test, a column an incorrect program
    incorrect: int  # incorrect programs, also where there is no test
    dropped: int = 0  # inputs on which the accepted programs fail or disagree: not valid, or not determined

    @property
    def rejected(self) -> tuple[bool, ...]:
        """Per incorrect program whether any test rejects it."""
        return tuple(any(row[number] for row in self.rejects) for number in range(self.incorrect))

    def text(self, entry: str = "f") -> str:
        """The tests as the reward `unit_tests` reads them; raises TypeError for values that JSON does not have."""
        given = [list(read(call)) for call in self.calls]
        return json.dumps({"fn_name": entry, "inputs": given, "outputs": [read(output) for output in self.outputs]})


def detection_rate(suites: Sequence[Suite]) -> float:
    """Share of the incorrect programs that the tests of their problem reject; nan without one."""
    rejected = [each for suite in suites for each in suite.rejected]
    return sum(rejected) / len(rejected) if rejected else float("nan")


def verifier_accuracy(suites: Sequence[Suite]) -> float:
    """Share of problems whose tests reject every incorrect program; nan without one."""
    return sum(all(suite.rejected) for suite in suites) / len(suites) if suites else float("nan")


def measured(
    accepted: Sequence[str], wrong: Sequence[str], calls: Sequence[str], executor: Executor, entry: str = "f"
) -> Suite:
    """The valid ones of these inputs as tests, and what they reject. Raises ValueError without an accepted program.

    An input is valid where every accepted program finishes with the same value. An incorrect one is rejected where it
    gives another value, an error, or does not get so far.
    """
    if not accepted:
        raise ValueError("no accepted program: without one no output is known")
    # one job a call, so that a program which fails on one input still says what it makes of the others
    programs = [*accepted, *wrong]
    outcomes = executor.run([Job(program, (call,), entry) for program in programs for call in calls])
    rows = [outcomes[number * len(calls) : (number + 1) * len(calls)] for number in range(len(programs))]
    found = [checked(column, len(accepted)) for column in zip(*rows, strict=True)]
    kept: list[Any] = [(call, *each) for call, each in zip(calls, found, strict=True) if each is not None]
    texts, outputs, rejects = (tuple(row[place] for row in kept) for place in range(3))
    return Suite(texts, outputs, rejects, len(wrong), dropped=len(calls) - len(kept))


def checked(outcomes: Sequence[Outcome], accepted: int) -> tuple[str, tuple[bool, ...]] | None:
    """The output of an input and the incorrect programs that it rejects; None where it is not valid."""
    values = [value_of(outcome) for outcome in outcomes]
    first = values[0]
    if first is None or not all(value is not None and agree(first, value) for value in values[:accepted]):
        return None
    return first, tuple(value is None or not agree(first, value) for value in values[accepted:])


def value_of(outcome: Outcome) -> str | None:
    """The text of the one value, where there is one."""
    result = outcome.results[0] if outcome.status == "finished" and outcome.results else Result()
    return result.value


def agree(one: str, other: str) -> bool:
    """Whether two texts are the same value."""
    try:
        return same(read(one), read(other), tolerance=1e-9)
    except ValueError:
        return False


def smallest(suite: Suite) -> Suite:
    """The fewest tests that a greedy choice needs to reject what the suite rejects; the best first."""
    left, chosen = {number for number, good in enumerate(suite.rejected) if good}, list[int]()
    while left:
        gains = [sum(row[number] for number in left) for row in suite.rejects]
        best = gains.index(max(gains))
        chosen.append(best)
        left -= {number for number in left if suite.rejects[best][number]}
    rows: list[Any] = [(suite.calls[number], suite.outputs[number], suite.rejects[number]) for number in chosen]
    texts, outputs, rejects = (tuple(row[place] for row in rows) for place in range(3))
    return replace(suite, calls=texts, outputs=outputs, rejects=rejects)


def varied(calls: Sequence[str], random: Random, count: int) -> tuple[str, ...]:
    """Up to so many new inputs of the same types: known ones, and those made of them, changed in one place."""
    found = list(dict.fromkeys(calls))
    known = len(found)
    for _ in range(20 * count):
        new = written(changed(read(random.choice(found)), random))
        if new not in found:
            found.append(new)
        if len(found) >= known + count:
            break
    return tuple(found[known:])


def changed(value: Any, random: Random) -> Any:
    """A value of the same type, changed in one place."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return random.choice([*EDGES, value + 1, value - 1, -value, random.randint(-20, 20)])
    if isinstance(value, float):
        return random.choice([0.0, -value, value + 1, value / 2, random.uniform(-10, 10)])
    if isinstance(value, str):
        place = random.randint(0, len(value))
        longer = value[:place] + random.choice("aZ 0-") + value[place:]
        return random.choice(["", value[::-1], value * 2, longer, value[:place]])
    if isinstance(value, tuple):
        place = random.randrange(len(value)) if value else 0
        return tuple(changed(item, random) if number == place else item for number, item in enumerate(value))
    if isinstance(value, list):
        return changed_list(value, random)
    return value


def changed_list(value: list[Any], random: Random) -> list[Any]:
    """A list emptied, reversed, sorted, repeated, shortened, or with a member changed."""
    if not value:
        return [random.choice(EDGES)]
    place = random.randrange(len(value))
    one = [*value[:place], changed(value[place], random), *value[place + 1 :]]
    others = [[], value[::-1], [*value, value[place]], value[:place], [value[place]] * len(value)]
    return random.choice([*others, one, one, one])
