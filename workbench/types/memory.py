"""What a run has seen and made: a ledger of the visits to every problem, and a stock of the problems that pieces made.

Both grow by lines of plain data, a few a step: a run appends them to `ledger.jsonl` and `problems.jsonl`, and a resumed
or forked one reads them again, so that a step costs what it adds and not what is there.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.types.rollouts import Problem

NAN = float("nan")
LONGEST = 20_000  # characters of a stocked problem's prompt or answer, and of its data as JSON
MOST = 4096  # problems that may be stocked in one step
SHOWN = 60  # characters of a key in a message

Line = dict[str, Any]  # of a journal: JSON values


@dataclass(frozen=True)
class Visit:
    """One step's attempts at a problem; step 0 is the survey before training."""

    step: int
    attempts: int  # graded rollouts of the problem's own prompt
    successes: float
    length: float = NAN  # mean tokens

    @property
    def rate(self) -> float:
        """The share of successes; nan where nothing was graded."""
        return self.successes / self.attempts if self.attempts else NAN


class Ledger:
    """The visits to every problem, by its key, or by its number in the pool where a sampler picked it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets every visit."""
        self.by_key: dict[str, list[Visit]] = {}
        self.key_of: dict[int, str] = {}
        self.sums = np.zeros((2, 0))  # attempts and successes by number in the pool
        self.surveyed = False  # whether a survey was made before the first step

    def __len__(self) -> int:
        """How many problems were visited."""
        return len(self.by_key)

    def visits(self, problem: int | str) -> Sequence[Visit]:
        """A problem's visits, the oldest first."""
        key = self.key_of.get(problem, "") if isinstance(problem, int) else problem
        return tuple(self.by_key.get(key, ()))

    def rate(self, problem: int | str) -> float:
        """The share of successes over all visits; nan for a problem that was never graded."""
        visits = self.visits(problem)
        attempts = sum(visit.attempts for visit in visits)
        return sum(visit.successes for visit in visits) / attempts if attempts else NAN

    def last(self, problem: int | str) -> int:
        """The step of the last visit; -1 for a problem that was never asked."""
        visits = self.visits(problem)
        return visits[-1].step if visits else -1

    def rates(self, size: int) -> NDArray[np.float64]:
        """`rate` of the pool's first problems, [size]."""
        attempts, successes = self.totals(size)
        found: NDArray[np.float64] = successes / np.where(attempts > 0, attempts, NAN)
        return found

    def totals(self, size: int) -> NDArray[np.float64]:
        """Attempts and successes of the pool's first problems, [2, size]."""
        found = np.zeros((2, size))
        known = self.sums[:, :size]
        found[:, : known.shape[1]] = known
        return found

    def take(self, line: Mapping[str, Any]) -> None:
        """Enters a line: `step`, and `visits` as [key, number in the pool or -1, attempts, successes, length]."""
        self.surveyed = self.surveyed or line["step"] == 0
        most = max((number for _, number, *_ in line["visits"]), default=-1) + 1
        if most > self.sums.shape[1]:
            self.sums = np.concatenate([self.sums, np.zeros((2, max(most, 64, 2 * self.sums.shape[1])))], axis=1)
        for key, number, attempts, successes, length in line["visits"]:
            visit = Visit(line["step"], attempts, successes, NAN if length is None else length)
            self.by_key.setdefault(key, []).append(visit)
            if number >= 0:
                self.key_of[number] = key
                self.sums[:, number] += attempts, successes


class Stock:
    """Problems that pieces made, the oldest first, each with the step it came from."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forgets every problem."""
        self.problems: dict[str, Problem] = {}
        self.steps: dict[str, int] = {}
        self.keys: list[str] = []  # by place

    def __len__(self) -> int:
        """How many there are."""
        return len(self.problems)

    def __contains__(self, key: str) -> bool:
        return key in self.problems

    def __getitem__(self, key: str | int) -> Problem:
        """A problem by its key, or by its place; -1 is the newest."""
        return self.problems[self.keys[key] if isinstance(key, int) else key]

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems.values())

    def of(self, source: str, since: int = 0) -> list[Problem]:
        """The problems of a source that came in a step from `since` on, the oldest first."""
        return [each for each in self if each.source == source and self.steps[each.key] >= since]

    def enriched(self, problem: Problem) -> Problem:
        """A problem of the task with the data that a piece added to it."""
        known = self.problems.get(problem.key)
        return known if known is not None and same(known, problem) else problem

    def take(self, line: Mapping[str, Any]) -> None:
        """Enters a line: `step` and the fields of a problem; a key that is there gets the new data."""
        fields = {name: line[name] for name in ("key", "prompt", "answer", "data", "source")}
        problem = Problem(**fields)
        if problem.key not in self.problems:
            self.keys.append(problem.key)
            self.steps[problem.key] = line["step"]
        self.problems[problem.key] = problem

    def lines(self, problems: Sequence[Any], step: int) -> tuple[list[Line], list[str]]:
        """The lines that enter these problems, and what is wrong with those that are left out."""
        lines, faults, new = list[Line](), list[str](), set[str]()
        for problem in problems[:MOST]:
            fault = fault_of(problem) or self.clash(problem, new)
            if fault:
                faults.append(fault)
                continue
            new.add(problem.key)
            lines.append({"step": step, **plain(problem)})
        if len(problems) > MOST:
            faults.append(f"{len(problems)} problems in one step: those after the first {MOST} are left out")
        return lines, faults

    def clash(self, problem: Problem, new: set[str]) -> str:
        """Why a problem cannot have its key; empty where it can."""
        if problem.key in new:
            return f"the key {problem.key!r} twice"
        known = self.problems.get(problem.key)
        if known is not None and not same(known, problem):
            return f"the key {problem.key!r} of another prompt or answer"
        return ""


def same(first: Problem, second: Problem) -> bool:
    """Whether two problems ask the same and have the same answer."""
    return (first.prompt, first.answer) == (second.prompt, second.answer)


def plain(problem: Problem) -> Line:
    """A problem as plain data."""
    own = {name: getattr(problem, name) for name in ("key", "prompt", "answer", "source")}
    return {**own, "data": json.loads(json.dumps(dict(problem.data)))}


def fault_of(problem: Any) -> str:
    """Why something cannot be stocked; empty where it can."""
    if not isinstance(problem, Problem):
        return f"a {type(problem).__name__}, which is no Problem"
    name = repr(problem.key)[:SHOWN]
    for field in ("key", "prompt", "answer", "source"):
        value = getattr(problem, field)
        if not isinstance(value, str) or (field != "source" and not value.strip()):
            return f"{name} without {field}"
        if len(value) > LONGEST:
            return f"{name} with {len(value)} characters of {field}, more than {LONGEST}"
        if not writable(value):
            return f"{name} with characters in its {field} that cannot be written"
    try:
        text = json.dumps(dict(problem.data), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        return f"{name} with data that are no JSON ({error})"
    if not writable(text):
        return f"{name} with characters in its data that cannot be written"
    return "" if len(text) <= LONGEST else f"{name} with {len(text)} characters of data, more than {LONGEST}"


def writable(text: str) -> bool:
    """Whether a text is whole Unicode, without halves of pairs.

    >>> writable("für"), writable(chr(0xD800))
    (True, False)
    """
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
