"""SQL over every run of a folder: `workbench query`, and `workbench.query` in Python."""

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.runs.directory.paths import LaterVersionError
from workbench.runs.open import Run
from workbench.runs.process.start import RUNS
from workbench.runs.query import query_all
from workbench.runs.summary import find_runs

if TYPE_CHECKING:
    import pandas


def query_runs(sql: str, runs: str | Path = RUNS) -> "pandas.DataFrame":
    """What SQL (DuckDB) gives over all runs of a folder, those of experiments included.

    Tables: steps, rollouts, tokens, evaluations, probes, exams and events; each has a column `run`, the run's path in
    the folder. Columns have their current names whatever version recorded them. ValueError for a folder without runs,
    and for SQL that DuckDB refuses.
    """
    return query_all(readable_runs(Path(runs)), sql)


def readable_runs(folder: Path) -> dict[str, Run]:
    """The runs of a folder by their path in it; those of a later version are left out."""
    found = {}
    for run in find_runs(folder):
        try:
            run.directory.check()
        except LaterVersionError:
            continue
        found[run.path.relative_to(folder).as_posix()] = run
    if not found:
        raise ValueError(f"there are no runs in {folder}: give a folder of runs (--runs)")
    return found
