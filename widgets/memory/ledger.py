"""The ledger as a window of rows: problems by what became of them, each with its pass rate over the steps."""

import functools
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from widgets.board.data import outcomes
from widgets.memory.visits import NEVER_STEP, STATES, Floats, Problems, Visits, Whole, visits_of
from widgets.recorded.data import RunData
from widgets.wire.answers import Request
from widgets.wire.payload import number

MOST_ROWS, ROWS = 100, 30
MOST_COLUMNS = 96  # of the picture; more steps share one
PATIENCE = 0.6  # seconds that questions are looked up in one answer; others have their key alone
#: Sort orders: name -> what is compared, the least first.
ORDERS = ("first solved", "rate", "last change", "last asked", "visits", "name")


def window(data: RunData, request: Request) -> dict[str, Any]:
    """Rows `start` to `start + count` of the problems in state `state` ("": any) whose key contains `text`, in `order`.

    Never more than `MOST_ROWS`, however many problems there are; ValueError for an order or state that is not known.
    """
    ledger = visits_of(data.run.directory.ledger)
    notes = ledger.look()
    found = ledger.problems()
    chosen = ordered(ledger, found, matching(ledger, found, request), request)
    start, count = max(0, int(request.get("start") or 0)), min(MOST_ROWS, int(request.get("count") or ROWS))
    shown = chosen[start : start + count]
    first, stretch, columns = scale(ledger)
    return {
        "states": {name: int((found.state == place).sum()) for place, name in enumerate(STATES)},
        "all": len(ledger.keys),
        "asked": len(ledger.numbers),
        "total": len(chosen),
        "start": start,
        "first": first,
        "stretch": stretch,
        "places": columns,
        "notes": notes[-3:],
        "rows": rows(data, ledger, found, shown),
    }


def matching(ledger: Visits, found: Problems, request: Request) -> Whole:
    """The places of the problems that are asked for."""
    state, text = str(request.get("state") or ""), str(request.get("text") or "").lower()
    if state and state not in STATES:
        raise ValueError(f"state {state!r} is not known; states: {', '.join(STATES)}")
    places = np.flatnonzero(found.state == STATES.index(state)) if state else np.arange(len(ledger.keys))
    if text:
        places = np.array([place for place in places if text in ledger.keys[place].lower()], np.int64)
    return places


def ordered(ledger: Visits, found: Problems, places: Whole, request: Request) -> Whole:
    """Places in an order; what has no number comes last, in either direction."""
    order = str(request.get("order") or ORDERS[0])
    if order not in ORDERS:
        raise ValueError(f"order {order!r} is not known; orders: {', '.join(ORDERS)}")
    down = bool(request.get("reverse"))
    if order == "name":
        return np.array(sorted(places, key=lambda place: ledger.keys[place], reverse=down), np.int64)
    keys: dict[str, Whole | Floats] = {
        "first solved": found.first_solved,
        "rate": found.rate,
        "last change": found.changed,
        "last asked": found.last,
        "visits": found.visits,
    }
    key = keys[order][places].astype(float)
    unknown = np.isnan(key) | (key == NEVER_STEP)
    rising = np.where(unknown, math.inf, -key if down else key)
    return places[np.argsort(rising, kind="stable")]


def scale(ledger: Visits) -> tuple[int, int, int]:
    """The first step, how many steps share a column, and how many columns there are."""
    steps = ledger.columns[1]
    if not steps:
        return 0, 1, 0
    first, last = steps[0], max(steps[-1], steps[0])  # a ledger grows step by step
    stretch = math.ceil((last - first + 1) / MOST_COLUMNS)
    return int(first), stretch, math.ceil((last - first + 1) / stretch)


def rows(data: RunData, ledger: Visits, found: Problems, shown: Sequence[int] | Whole) -> list[dict[str, Any]]:
    """The rows of these problems; a cell is [column, newest step, attempts, successes]."""
    first, stretch, _ = scale(ledger)
    problem, step, attempts, successes = ledger.arrays()
    inside = np.flatnonzero(np.isin(problem, np.asarray(shown, np.int64)))
    cells: dict[int, dict[int, list[float]]] = {int(place): {} for place in shown}
    for at in inside:
        column = int((step[at] - first) // stretch)
        cell = cells[int(problem[at])].setdefault(column, [column, 0, 0, 0])
        cell[1], cell[2], cell[3] = int(step[at]), cell[2] + int(attempts[at]), cell[3] + float(successes[at])
    end = time.monotonic() + PATIENCE
    recorded = set(data.steps())
    return [
        {
            "key": ledger.keys[place],
            "question": question(data, ledger.keys[place], cells[place], recorded) if time.monotonic() < end else "",
            "state": STATES[found.state[place]],
            "rate": number(found.rate[place]),
            "attempts": int(found.attempts[place]),
            "visits": int(found.visits[place]),
            "first": happened(found.first_solved[place]),
            "changed": happened(found.changed[place]),
            "cells": list(cells[place].values()),
        }
        for place in map(int, shown)
    ]


def happened(step: Any) -> int | None:
    """A step; None for what never happened."""
    return None if step == NEVER_STEP else int(step)


def question(data: RunData, key: str, cells: dict[int, list[float]], recorded: set[int]) -> str:
    """What a problem asks, from the newest recorded step that asked it; empty where none is recorded."""
    step = next((int(cell[1]) for cell in reversed(cells.values()) if cell[1] in recorded), None)
    if step is None:
        return ""
    path = Path(data.run.file("rollouts", step))
    try:
        found = outcomes(path, path.stat().st_mtime_ns, data.special).get(key)
    except (OSError, ValueError):  # the file is broken, or was taken away meanwhile
        return ""
    return found.question if found is not None else ""


@functools.lru_cache(maxsize=8)
def pool_size(path: Path) -> tuple[int | None, str]:
    """The number of training problems of a run's task, or why there is none."""
    from workbench.kinds import Task  # loads torch, and a task's file, so not before a ledger is looked at
    from workbench.registry import load
    from workbench.runs.open import open_run

    try:
        load()
        size = Task.parse(open_run(path).resolved["task"]).size("train")
    except Exception as error:  # a task is anybody's code, and its data may be elsewhere by now; the view says why
        return None, f"the task cannot be asked for its size ({type(error).__name__}: {error})"[:300]
    return size, "" if size is not None else "the task makes problems without end"
