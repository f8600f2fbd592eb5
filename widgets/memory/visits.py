"""The ledger of a run as columns: every visit to every problem, and what became of each problem.

Success is called solved where at least half of a visit's attempts are correct. So a problem is *learned* or *forgotten*
where an earlier visit was on the other side of one half than the last one. Toneva et al., arXiv:1812.05159, count
such events of single examples; theirs are classified once a visit, ours several times.
"""

import functools
from array import array
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from widgets.memory.journal import Journal, Line

HALF = 0.5
#: What became of a problem, in the order in which it is shown.
STATES = ("learned", "forgotten", "solved throughout", "below one half", "never solved", "not graded")
LEARNED, FORGOTTEN, SOLVED, PARTLY, NEVER, UNGRADED = range(len(STATES))
NEVER_STEP = np.iinfo(np.int32).max  # of what never happened

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Problems:
    """What is known of each problem, [problem] each; `NEVER_STEP` where something never happened."""

    attempts: Whole
    successes: Floats
    visits: Whole
    first_solved: Whole  # the step of the first success
    changed: Whole  # the last step at which it crossed one half
    last: Whole  # the step of the last visit
    state: Whole  # a place in `STATES`

    @property
    def rate(self) -> Floats:
        """Successes per attempt; nan where nothing was graded."""
        return self.successes / np.where(self.attempts > 0, self.attempts, np.nan)


class Visits:
    """All visits of a run, in the order of its ledger."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path, self.take, self.clear)
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.keys: list[str] = []
        self.place: dict[str, int] = {}
        self.numbers: set[int] = set()  # of the pool, that were asked
        self.columns = (array("q"), array("q"), array("q"), array("d"))
        self.known: Problems | None = None

    def take(self, line: Line) -> None:
        """Enters a line of the ledger."""
        problem, step, attempts, successes = self.columns
        for key, number, tried, right, _ in line["visits"]:
            if key not in self.place:
                self.place[key] = len(self.keys)
                self.keys.append(key)
            if number >= 0:
                self.numbers.add(number)
            problem.append(self.place[key])
            step.append(line["step"])
            attempts.append(tried)
            successes.append(right or 0.0)
        self.known = None

    def look(self) -> list[str]:
        """Reads what is new; notes on what could not be read."""
        return self.journal.look()

    def arrays(self) -> tuple[Whole, Whole, Whole, Floats]:
        """Problem, step, attempts and successes of every visit, [visit] each."""
        problem, step, attempts = (np.array(column, np.int64) for column in self.columns[:3])
        return problem, step, attempts, np.array(self.columns[3], np.float64)

    def problems(self) -> Problems:
        """What became of every problem; computed once until something is new."""
        if self.known is None:
            self.known = summed(*self.arrays(), len(self.keys))
        return self.known

    def of(self, problem: int) -> list[tuple[int, int, float]]:
        """Step, attempts and successes of a problem's visits."""
        known, step, attempts, successes = self.arrays()
        found = np.flatnonzero(known == problem)
        return [(int(step[at]), int(attempts[at]), float(successes[at])) for at in found]


def summed(problem: Whole, step: Whole, attempts: Whole, successes: Floats, count: int) -> Problems:
    """What became of `count` problems, from their visits in the order of the steps."""
    order = np.argsort(problem, kind="stable")
    whose, when = problem[order], step[order]
    graded = attempts[order] > 0
    solved = successes[order] >= HALF * attempts[order]
    first = np.full(count, NEVER_STEP, np.int64)
    right = successes[order] > 0
    np.minimum.at(first, whose[right], when[right])
    who, at, good = whose[graded], when[graded], solved[graded]
    crossed = np.flatnonzero((who[1:] == who[:-1]) & (good[1:] != good[:-1])) + 1
    changed = np.full(count, -1, np.int64)
    np.maximum.at(changed, who[crossed], at[crossed])
    last = np.full(count, -1, np.int64)
    np.maximum.at(last, whose, when)
    ends = np.zeros(count, bool)  # whether the last graded visit was solved; later ones overwrite earlier ones
    ends[who] = good
    tried = np.bincount(problem, attempts, count).astype(np.int64)
    succeeded = np.bincount(problem, successes, count).astype(np.float64)
    state = np.full(count, PARTLY, np.int64)
    state[ends & (changed < 0)] = SOLVED
    state[~ends & (succeeded == 0)] = NEVER
    state[(changed >= 0) & ends], state[(changed >= 0) & ~ends] = LEARNED, FORGOTTEN
    state[tried == 0] = UNGRADED
    changed[changed < 0] = NEVER_STEP
    visits = np.bincount(problem, minlength=count).astype(np.int64)
    return Problems(tried, succeeded, visits, first, changed, last, state)


@functools.lru_cache(maxsize=8)
def visits_of(path: Path) -> Visits:
    """The visits of a run, which all its views share; `path` is its ledger."""
    return Visits(path)
