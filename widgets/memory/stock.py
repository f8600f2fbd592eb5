"""The stock: problems that a run made, as a window of rows and as a map over the steps of their making."""

import functools
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from widgets.memory.journal import Journal, Line
from widgets.memory.ledger import MOST_ROWS, ROWS
from widgets.memory.visits import Visits, visits_of
from widgets.recorded.data import RunData, read
from widgets.recorded.question import question_of
from widgets.wire.answers import Request
from widgets.wire.payload import number
from workbench.runs.directory.paths import plain

MOST_POINTS = 1500  # of the map; more are thinned evenly
MOST_BINS = 48  # of steps, that have a median
MOST_MEASURES = 12  # numbers of the problems' data
LONGEST = 4000  # characters of a text that is shown whole
RATE, LENGTH, AGE = "solve rate", "length", "step made"
NAMES = ("rollout", "group", "problem", "role", "parent", "correct")


class Made:
    """Every problem of a run's stock, in the order of its making; data that are added later replace earlier ones."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path, self.take, self.clear)
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.lines: dict[str, Line] = {}

    def take(self, line: Line) -> None:
        """Enters a line; a problem keeps the step of its first line."""
        known = self.lines.get(line["key"])
        self.lines[line["key"]] = {**line, "step": line["step"] if known is None else known["step"]}


@functools.lru_cache(maxsize=8)
def made_of(path: Path) -> Made:
    """The stock of a run, which all its views share; `path` is its `problems.jsonl`."""
    return Made(path)


def window(data: RunData, request: Request) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Rows of the stock in `order`, of `source` ("": any), containing `text`; and the map of `measure`.

    ValueError for an order or measure that no problem has.
    """
    stock, ledger = made_of(data.run.directory.problems), visits_of(data.run.directory.ledger)
    notes = [*stock.journal.look(), *ledger.look()]
    lines = list(stock.lines.values())
    values = measures(lines, ledger)
    chosen = matching(lines, request)
    shown = ordered(chosen, values, request)
    start, count = max(0, int(request.get("start") or 0)), min(MOST_ROWS, int(request.get("count") or ROWS))
    sources = Counter(str(line["source"]) for line in lines)
    measure = str(request.get("measure") or first_known(values))
    drawn, columns = plotted(lines, chosen, values, (measure, list(sources)))
    header = {
        "all": len(lines),
        "total": len(chosen),
        "start": start,
        "sources": list(sources.items()),
        "measures": [name for name in values if name != AGE],
        "rows": [row(lines[place], values, place) for place in shown[start : start + count]],
        "notes": notes[-3:],
        **drawn,
    }
    return header, columns


def measures(lines: Sequence[Line], ledger: Visits) -> dict[str, np.ndarray]:
    """Numbers of every problem by name, [problem]: step of its making, solve rate, length, and those of its data."""
    found = ledger.problems()
    places = np.array([ledger.place.get(line["key"], -1) for line in lines], np.int64)
    rate = np.append(found.rate, np.nan)[places]  # the last one is of problems that were not asked
    values = {
        AGE: np.array([line["step"] for line in lines], float),
        RATE: rate,
        LENGTH: np.array([len(line["prompt"]) for line in lines], float),
    }
    names = dict.fromkeys(name for line in lines for name, value in line["data"].items() if is_number(value))
    for name in [name for name in names if name not in values][:MOST_MEASURES]:
        column = (line["data"].get(name) for line in lines)
        values[name] = np.array([value if is_number(value) else math.nan for value in column], float)
    return values


def first_known(values: dict[str, np.ndarray]) -> str:
    """What is drawn unless a measure is asked for: the solve rate, else a number of the data, else the length."""
    order = (RATE, *(name for name in values if name not in (AGE, RATE, LENGTH)))
    return next((name for name in order if np.isfinite(values[name]).any()), LENGTH)


def is_number(value: Any) -> bool:
    """Whether a value of a problem's data can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def matching(lines: Sequence[Line], request: Request) -> np.ndarray:
    """The places of the problems of a source that contain a text."""
    source, text = request.get("source"), str(request.get("text") or "").lower()
    return np.array(
        [
            place
            for place, line in enumerate(lines)
            if (source is None or line["source"] == source)
            and (not text or text in line["key"].lower() or text in line["prompt"].lower())
        ],
        np.int64,
    )


def ordered(places: np.ndarray, values: dict[str, np.ndarray], request: Request) -> np.ndarray:
    """Places in an order; what has no number comes last."""
    order = str(request.get("order") or AGE)
    if order not in values:
        raise ValueError(f"order {order!r} is not known; orders: {', '.join(values)}")
    key = values[order][places]
    return places[np.argsort(np.where(np.isnan(key), math.inf, -key if request.get("reverse") else key), kind="stable")]


def row(line: Line, values: dict[str, np.ndarray], place: int) -> dict[str, Any]:
    """What a row of the table shows."""
    parent = line["data"].get("parent")
    return {
        "key": line["key"],
        "step": line["step"],
        "source": line["source"],
        "question": question_of(line["prompt"]),
        "parent": parent if isinstance(parent, str) else "",
        "numbers": {name: number(column[place]) for name, column in values.items() if name != AGE},
    }


def plotted(
    lines: Sequence[Line], places: np.ndarray, values: dict[str, np.ndarray], wanted: tuple[str, list[str]]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """A measure over the step of making: points, evenly thinned, and quartiles of all of them by stretches of steps."""
    measure, sources = wanted
    if measure not in values:
        raise ValueError(f"measure {measure!r} is not known; measures: {', '.join(values)}")
    known = places[np.isfinite(values[measure][places])]
    apart = max(1, math.ceil(len(known) / MOST_POINTS))
    points = known[::-1][::apart][::-1]
    columns = {
        "at": values[AGE][points].astype(np.int64),
        "value": values[measure][points],
        "source": np.array([sources.index(str(lines[place]["source"])) for place in points], np.int64),
    }
    keys = [lines[place]["key"] for place in points]
    bins = quartiles(values[AGE][known], values[measure][known])
    return {"measure": measure, "keys": keys, "known": len(known), "bins": bins}, columns


def quartiles(steps: np.ndarray, values: np.ndarray) -> list[dict[str, float]]:
    """Median and quartiles of the values by stretches of steps, at most `MOST_BINS`.

    >>> quartiles(np.array([1, 1, 1, 2]), np.array([0.0, 0.5, 1.0, 0.2]))[0]
    {'step': 1.0, 'low': 0.25, 'median': 0.5, 'high': 0.75, 'count': 3}
    """
    if not len(steps):
        return []
    first, last = int(steps.min()), int(steps.max())
    stretch = math.ceil((last - first + 1) / MOST_BINS)
    found = []
    for begin in range(first, last + 1, stretch):
        inside = values[(steps >= begin) & (steps < begin + stretch)]
        if len(inside):
            low, median, high = (float(each) for each in np.quantile(inside, (0.25, 0.5, 0.75)))
            middle = min(last, begin + stretch - 1)
            found.append(
                {"step": (begin + middle) / 2, "low": low, "median": median, "high": high, "count": len(inside)}
            )
    return found


def item(data: RunData, key: str) -> dict[str, Any]:
    """One problem whole, its attempts by step, and where it came from; ValueError where there is none of this key."""
    stock, ledger = made_of(data.run.directory.problems), visits_of(data.run.directory.ledger)
    stock.journal.look()
    ledger.look()
    line = stock.lines.get(key)
    if line is None:
        raise ValueError(f"{data.path.name} has no made problem {key!r}; it may have been given up by a resume")
    place = ledger.place.get(key)
    texts = {name: shortened(str(line[name])) for name in ("prompt", "answer")}
    known = {str(name): shortened(str(value)) for name, value in list(plain(line["data"]).items())[:MOST_MEASURES]}
    visits = [] if place is None else ledger.of(place)
    return {"key": key, "step": line["step"], "source": line["source"], **texts, "data": known,
            "visits": visits[-MOST_BINS:], "origin": origin(data, key, line["step"])}  # fmt: skip


def shortened(text: str) -> str:
    """A text that a page can hold."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text):,} characters)"


def origin(data: RunData, key: str, step: int) -> dict[str, Any]:
    """The rollout that a problem was made from: the parent of those that tried it in the step of its making.

    `reason` says why there is none on record. A problem whose attempts have no parent comes from the first attempt.
    `tried`: for every role that attempted it in that step its correct and its graded rollouts.
    """
    try:
        table = read(data.file(step), NAMES)
    except ValueError as error:
        return {"reason": str(error)}
    rows = {each["rollout"]: each for each in table.to_pylist()}
    tried = [each for each in rows.values() if each["problem"] == key]
    if not tried:
        return {"reason": f"step {step} has no rollout of it on record: it was given, or its rollouts were dropped"}
    parent = tried[0].get("parent")
    found = rows.get(parent, tried[0]) if parent is not None else tried[0]
    place = {"step": step, "group": found["group"], "rollout": found["rollout"], "role": found.get("role") or ""}
    return {**place, "tried": outcomes_by_role(tried)}


def outcomes_by_role(rows: Sequence[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Role, correct and graded rollouts of these rows, for every role."""
    graded: dict[str, list[float]] = {}
    for row in rows:
        known = number(row.get("correct"))
        graded.setdefault(row.get("role") or "", []).extend([] if known is None else [known])
    return [(role, sum(grade > 0.5 for grade in grades), len(grades)) for role, grades in graded.items()]
