"""The curves of a run as payloads: all of them once, then only what came since.

A row is a step. A longer run than `MOST` steps is thinned: each stretch of steps keeps two rows, in which every column
has its minimum and its maximum of the stretch in the order in which they came, so no peak is lost.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np

from widgets.wire.payload import pack
from workbench.runs.directory.lines import LineReader, current, restarts_in
from workbench.runs.directory.paths import RunDirectory, plain

MOST = 4_000  # rows of a payload
MOST_EVENTS, MOST_NOTES = 200, 100  # the newest; notes are counted apart, as there may be some at every step
Lines = list[dict[str, Any]]
Columns = dict[str, np.ndarray]


class Curves:
    """Follows the metrics and events of one run; keeps only how far it has read."""

    def __init__(self, path: Path) -> None:
        self.directory = RunDirectory(path)
        self.forget()

    def forget(self) -> None:
        """The next look reads everything again."""
        self.metrics, self.events = LineReader(self.directory.metrics), LineReader(self.directory.events)
        self.last = -math.inf  # the highest step read
        self.recorded: int | None = None  # the newest step with rollouts

    def mark(self) -> str:
        """Changes whenever the files do."""
        paths = [reader.path for reader in (self.metrics, self.events)]
        return " ".join(f"{path.stat().st_size}-{path.stat().st_mtime_ns}" for path in paths if path.exists())

    def whole(self, **more: Any) -> bytes:
        """Everything, as a payload with `more` in its header; the next `news` goes on from there."""
        self.forget()
        lines, events = self.metrics.new(), self.events.new()
        rows = list(current(lines, restarts_in(events)).values())
        return self.packed(rows, events, tail=False, **more)

    def news(self) -> bytes | None:
        """What was written since the last look; None if nothing was.

        All of it again where steps were given up by a resume, or a file was replaced.
        """
        if self.fresh() or self.replaced():
            payload = self.whole()
            return None if self.last == -math.inf and not self.events.offset else payload
        lines, events = self.metrics.new(), self.events.new()
        if not lines and not events:
            return None
        steps = [line["step"] for line in lines if isinstance(line.get("step"), int)]
        if restarts_in(events) or steps != sorted(set(steps)) or (steps and steps[0] <= self.last):
            return self.whole()
        return self.packed([line for line in lines if isinstance(line.get("step"), int)], events, tail=True)

    def fresh(self) -> bool:
        """Whether nothing was read yet."""
        return self.metrics.offset == 0 and self.events.offset == 0

    def replaced(self) -> bool:
        """Whether a file is shorter than what was read of it."""
        readers = (self.metrics, self.events)
        return any(reader.offset > (reader.path.stat().st_size if reader.path.exists() else 0) for reader in readers)

    def packed(self, rows: Lines, events: Lines, *, tail: bool, **more: Any) -> bytes:
        """Rows and events as a payload of kind `metrics`; `tail`: they follow on what was sent before."""
        self.last = max([self.last, *(row["step"] for row in rows)])
        recorded = [row["step"] for row in rows if self.directory.rollout_file(row["step"]).exists()]
        self.recorded = max([*recorded, *([] if self.recorded is None else [self.recorded])], default=None)
        columns, stretch = thinned(columns_of(rows))
        notes = [*self.metrics.skipped, *self.events.skipped]
        header = {
            **more,
            "kind": "metrics",
            "tail": tail,
            "stretch": stretch,
            "events": shown(events),
            "notes": notes[-8:],
        }
        return pack({**header, "index": {"steps": recorded}}, columns)


def columns_of(rows: Lines) -> Columns:
    """Every number of the lines as a column; what a step does not have is nan.

    >>> columns_of([{"step": 1, "reward": 0.5}, {"step": 2, "note": "x"}])["reward"].tolist()
    [0.5, nan]
    """
    names = dict.fromkeys(name for row in rows for name, value in row.items() if is_number(value))
    found = {name: np.array([as_number(row.get(name)) for row in rows], np.float64) for name in names}
    return {**found, "step": np.array([row["step"] for row in rows], np.int32)}


def is_number(value: Any) -> bool:
    """Whether a value can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_number(value: Any) -> float:
    """A value as it is drawn; nan for what cannot be."""
    return float(value) if is_number(value) else math.nan


def thinned(columns: Columns, most: int = MOST) -> tuple[Columns, int]:
    """Columns of at most `most` rows and one, and how many steps each two rows stand for (1: nothing was thinned).

    >>> thinned({"step": np.arange(8), "reward": np.array([0, 0, 9, 0, 1, 1, 1, 0.0])}, 4)[0]["reward"].tolist()
    [0.0, 9.0, 1.0, 0.0, 0.0]
    """
    count = len(columns["step"])
    if count <= most:
        return columns, 1
    stretch = math.ceil(2 * count / most)
    places = np.minimum(np.arange(math.ceil(count / stretch) * stretch), count - 1).reshape(-1, stretch)
    result = {name: extremes(values[places]) for name, values in columns.items()}
    result["step"] = columns["step"][places[:, [0, -1]]].reshape(-1)
    return {name: np.append(values, columns[name][-1]) for name, values in result.items()}, stretch


def extremes(table: np.ndarray) -> np.ndarray:
    """The least and the greatest number of each row in the order in which they stand, [2 * rows]; nan where none is."""
    least = np.where(np.isnan(table), np.inf, table).argmin(1)
    most = np.where(np.isnan(table), -np.inf, table).argmax(1)
    order = np.sort(np.stack([least, most], 1), 1)
    return np.take_along_axis(table, order, 1).reshape(-1)


def shown(events: Lines) -> list[dict[str, Any]]:
    """The newest events with what a chart shows of them."""
    notes = [event for event in events if event.get("kind") == "note"][-MOST_NOTES:]
    others = [event for event in events if event.get("kind") != "note"][-MOST_EVENTS:]
    kept = sorted([*notes, *others], key=lambda event: as_number(event.get("time")))
    names = ("step", "kind", "text", "time")
    return [
        {name: plain(event.get(name)) for name in (*names, *(("action",) if "action" in event else ()))}
        for event in kept
    ]
