"""All runs below a folder, read lazily: which there are costs one look each, and only those asked for are opened.

Experiments are folders of runs. A folder of ten thousand runs is listed from the file system alone; a filter or an
order that must read runs looks at the newest `MOST_READ`, and says so.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from widgets.recorded.curves import as_number
from widgets.recorded.state import read_state
from widgets.wire.payload import number
from workbench.runs.directory.lines import LineReader
from workbench.runs.directory.paths import RunDirectory, read_json
from workbench.runs.open import Run

DEPTH = 2  # folders below the given one that are looked into
MOST_READ = 400  # runs whose state is read for a filter or an order by it
PATIENCE = 0.25  # seconds of reading for one answer; what is left is read for the next
SPARK = 40  # numbers of a small curve
KEPT = 600  # runs whose facts are kept
FRESH = 1.0  # seconds for which what was read of a live run counts
BY_FILES = ("started", "name")  # orders that need no run to be read
ORDERS = (*BY_FILES, "state", "step", "accuracy", "method")


@dataclass(frozen=True)
class Entry:
    """A run as the file system shows it."""

    path: Path
    name: str  # below the folder
    experiment: str  # the folder's name below the folder; empty for a single run
    started: float  # unix seconds


@dataclass(frozen=True)
class Facts:
    """What was read of a run. `state` is `read_state`'s, `mark` says when it must be read again."""

    state: Mapping[str, Any]
    method: str
    accuracy: float | None
    spark: tuple[float, ...]
    read: float
    reader: LineReader | None = None
    curves: Mapping[str, tuple[float, ...]] | None = None


class RunFolder:
    """The runs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[Path, dict[Path, Entry]] = {}  # runs, by the folder that holds them
        self.below: dict[Path, list[Path]] = {}  # its other folders
        self.marks: dict[Path, int] = {}  # when it changed, as last looked at
        self.facts: dict[Path, Facts] = {}

    # ------------------------------------------------------------------ which there are

    def entries(self) -> list[Entry]:
        """Every run, the newest first; only folders that changed are looked into again."""
        self.look(self.folder, 0, "")
        listed = [entry for entries in self.found.values() for entry in entries.values()]
        return sorted(listed, key=lambda entry: (-entry.started, entry.name))

    def look(self, folder: Path, depth: int, experiment: str) -> None:
        """Brings a folder that may hold runs up to date, and those below it."""
        try:
            mark = folder.stat().st_mtime_ns
            if self.marks.get(folder) != mark:
                self.scan(folder, experiment)
        except OSError:  # it was taken away
            self.drop(folder)
            return
        self.marks[folder] = mark
        for place in self.below[folder] if depth < DEPTH else []:
            entry = self.entry(place, experiment)  # a run that was being made when its folder was listed
            if entry is not None:
                self.found[folder][place] = entry
                self.below[folder] = [each for each in self.below[folder] if each != place]
                self.drop(place)
            else:
                study = (place / "experiment.json").exists()
                self.look(place, depth + 1, str(place.relative_to(self.folder)) if study else "")

    def scan(self, folder: Path, experiment: str) -> None:
        """Reads what a folder holds; runs that are known are not looked at again."""
        with os.scandir(folder) as inside:
            places = [Path(each) for each in inside if each.is_dir() and not each.name.startswith(".")]
        known = self.found.get(folder, {})
        stated = {place: known.get(place) or self.entry(place, experiment) for place in places}
        self.found[folder] = {place: entry for place, entry in stated.items() if entry is not None}
        self.below[folder] = [place for place, entry in stated.items() if entry is None]
        for gone in [place for place in self.marks if place.parent == folder and place not in self.below[folder]]:
            self.drop(gone)

    def drop(self, folder: Path) -> None:
        """Forgets a folder of runs and all below it."""
        for place in [place for place in self.marks if place == folder or folder in place.parents]:
            for table in (self.marks, self.found, self.below):
                table.pop(place, None)

    def entry(self, path: Path, experiment: str) -> Entry | None:
        """A folder as a run, whole or not; None if it is none."""
        try:
            started = (path / "format.json").stat().st_mtime
        except OSError:
            return None
        return Entry(path, str(path.relative_to(self.folder)), experiment, started)

    # ------------------------------------------------------------------ how they are doing

    def read(self, entry: Entry) -> Facts:
        """What is known of a run; a run that cannot be read is told in words."""
        known = self.facts.pop(entry.path, None)
        now = time.monotonic()
        settled = known is not None and known.state["ended"] and known.state["verdict"] != "vanished"
        if known is None or now - known.read > (10 * FRESH if settled else FRESH):
            known = read_facts(entry, known, now)
        self.facts[entry.path] = known
        if len(self.facts) > KEPT:
            self.facts.pop(next(iter(self.facts)))
        return known

    def window(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Rows `start` to `start + count` of the runs that match `text` and `state`, in an order; what was left out."""
        entries = self.entries()
        text = str(wanted.get("text") or "").lower()
        matching = [entry for entry in entries if text in entry.name.lower()]
        order, state = str(wanted.get("order") or "started"), str(wanted.get("state") or "")
        if order not in ORDERS:
            raise ValueError(f"order {order!r} is not known; there are {', '.join(ORDERS)}")
        note = ""
        if state or order not in BY_FILES:
            if len(matching) > MOST_READ:
                found = f"{MOST_READ} of {len(matching):,}"
                note = f"Only the newest {found} matching runs were read: narrow the name to see others."
            matching = self.chosen(matching[:MOST_READ], state)
        matching = self.ordered(matching, order, bool(wanted.get("reverse")))
        start, count = max(0, int(wanted.get("start") or 0)), min(100, int(wanted.get("count") or 30))
        rows = list(self.rows(matching[start : start + count]))
        return {"all": len(entries), "total": len(matching), "start": start, "note": note, "rows": rows}

    def chosen(self, entries: list[Entry], state: str) -> list[Entry]:
        """Those with a verdict; all of them for none."""
        return [entry for entry in entries if not state or self.read(entry).state["verdict"] == state]

    def ordered(self, entries: list[Entry], order: str, reverse: bool) -> list[Entry]:
        """Entries in an order; what is not known comes last."""
        if order == "started":
            return entries[::-1] if reverse else entries
        if order == "name":
            return sorted(entries, key=lambda entry: entry.name, reverse=reverse)
        keyed = [(self.key(self.read(entry), order), entry) for entry in entries]
        known = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=reverse)
        return [entry for _, entry in known] + [entry for key, entry in keyed if key is None]

    def key(self, facts: Facts, order: str) -> Any:
        """What an order compares; the greatest number first."""
        texts = {"state": facts.state["verdict"], "method": facts.method or None}
        if order in texts:
            return texts[order]
        value = facts.accuracy if order == "accuracy" else facts.state["step"]
        return None if value is None else -value

    def rows(self, entries: list[Entry]) -> Iterator[dict[str, Any]]:
        """Rows for the view; when reading takes too long the rest comes without what must be read."""
        end = time.monotonic() + PATIENCE
        for entry in entries:
            plain = {
                "path": str(entry.path),
                "name": entry.name,
                "experiment": entry.experiment,
                "started": entry.started,
            }
            if entry.path not in self.facts and time.monotonic() > end:
                yield {**plain, "verdict": "", "text": "not read yet"}
                continue
            facts = self.read(entry)
            status = {name: facts.state[name] for name in ("verdict", "text", "phase", "step", "total")}
            yield {
                **plain,
                **status,
                "method": facts.method,
                "accuracy": number(facts.accuracy),
                "spark": list(facts.spark),
            }


def read_facts(entry: Entry, known: Facts | None, now: float) -> Facts:
    """Reads a run; the metrics from where they were read before."""
    directory = RunDirectory(entry.path)
    try:
        run = Run(directory.check())
    except (OSError, ValueError) as error:
        state = read_state(Run(directory))
        if state["verdict"] != "vanished":
            state |= {"verdict": "unreadable", "text": str(error).removeprefix(f"{entry.path} "), "ended": True}
        return Facts(state, "", None, (), now)
    if known is None or known.reader is None:
        config = read_json(directory.resolved) or {}
        method = str((config.get("method") or {}).get("key") or "")
        known = Facts({}, method, None, (), now, LineReader(directory.metrics), {"accuracy": (), "reward": ()})
    return replace(with_curves(known), state=read_state(run), read=now)


def with_curves(known: Facts) -> Facts:
    """The facts with what the metrics gained since: the newest accuracy, a small curve of it, or else of the reward."""
    reader, before = known.reader, known.curves or {}
    lines = reader.new() if reader is not None else []
    curves = {name: (*values, *found_in(lines, name))[-5_000:] for name, values in before.items()}
    accuracy = curves["accuracy"]
    values = accuracy if len(accuracy) > 2 else curves["reward"]
    stride = max(1, -(-len(values) // SPARK))
    spark = values[::-stride][::-1]
    return replace(known, curves=curves, accuracy=accuracy[-1] if accuracy else None, spark=spark)


def found_in(lines: list[dict[str, Any]], name: str) -> tuple[float, ...]:
    """The numbers under a name, in order."""
    return tuple(value for value in (as_number(line.get(name)) for line in lines) if value == value)
