"""The samples that evaluations and exams left in run folders: which there are, and a tally of every problem."""

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.analysis.evaluate import Tally
from workbench.runs.directory.record import read_table

FILE = re.compile(r"samples-(?:(?P<exam>.+)-)?step-(?P<step>\d{6,})\.parquet")
MOST_RUNS = 100  # of a folder, that are looked at
OWN = ""  # the exam that a run's own held-out problems are


@dataclass(frozen=True)
class Store:
    """The samples of one model on one exam; `run` is the name of its folder."""

    run: str
    exam: str
    step: int
    path: Path

    @property
    def label(self) -> str:
        """The model in words."""
        return f"{self.run}, {'before training' if self.step == 0 else f'after step {self.step}'}"


def stores(folders: Iterable[Path]) -> list[Store]:
    """The stores of these runs: in the order of the runs, each from its first step on."""
    return [store for folder in folders for store in sorted(stores_of(folder), key=lambda each: (each.exam, each.step))]


def stores_of(folder: Path) -> Iterator[Store]:
    """The stores of one run; files with other names are foreign."""
    for path in (folder / "evaluations").glob("samples-*.parquet"):
        found = FILE.fullmatch(path.name)
        if found:
            yield Store(folder.name, found["exam"] or OWN, int(found["step"]), path)


def beside(folder: Path) -> list[Path]:
    """The run, and the other runs of the folder that it lies in, by name, at most `MOST_RUNS`."""
    try:
        others = sorted(path for path in folder.parent.iterdir() if path != folder and (path / "format.json").is_file())
    except OSError:  # the folder may not be listed, or is gone
        others = []
    return [folder, *others[: MOST_RUNS - 1]]


def tallies(store: Store) -> dict[str, Tally]:
    """Correct and graded completions of every problem, by its key; ValueError where the file is broken."""
    try:
        return tallied(store.path, store.path.stat().st_mtime_ns)
    except OSError as error:
        raise ValueError(f"{store.path.name} of {store.run} cannot be read ({error.strerror})") from error


@functools.lru_cache(maxsize=64)
def tallied(path: Path, modified: int) -> dict[str, Tally]:
    """The same of a file; `modified` is when it was written."""
    del modified  # a part of the key: an evaluation may be made again
    table = read_table(path, ["problem", "correct"])
    missing = {"problem", "correct"} - set(table.column_names)
    if missing:
        raise ValueError(f"{path.name} has no column {', '.join(sorted(missing))}: evaluate the checkpoint again")
    found: dict[str, list[int]] = {}
    for row in table.to_pylist():
        correct: Any = row["correct"]
        counts = found.setdefault(row["problem"], [0, 0])
        if correct is not None and correct == correct:
            counts[0], counts[1] = counts[0] + int(correct > 0.5), counts[1] + 1
    return {key: Tally(*counts) for key, counts in found.items()}
