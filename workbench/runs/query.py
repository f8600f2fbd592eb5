"""SQL over a run's record: files of the same columns are read as one table, and only the tables that are named.

Nothing is kept between two queries, so no answer is ever stale. To join thousands of files by name DuckDB would open
each of them first; files that carry the same schema, byte for byte, need no joining.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import pandas

FOLDERS = ("rollouts", "evaluations", "probes")
MAGIC, TAIL = b"PAR1", 8  # a parquet file ends with the length of its footer and these four bytes
SCHEMA = re.compile(rb"ARROW:schema.{1,8}?([A-Za-z0-9+/=]{40,})", re.DOTALL)


@runtime_checkable
class Record(Protocol):
    """What a query reads of a run."""

    def steps(self, folder: str = "rollouts") -> list[int]:
        """The steps that have a file in a folder."""

    def file(self, folder: str, step: int) -> Path:
        """The parquet file of a step."""

    def metrics(self) -> "pandas.DataFrame":
        """One row a step."""

    def events(self) -> "pandas.DataFrame":
        """One row an event."""

    def note(self, text: str) -> None:
        """Keeps a note on what was skipped."""


def query(run: Record, sql: str) -> "pandas.DataFrame":
    """What SQL gives over the tables rollouts, evaluations, probes, metrics and events.

    A file that cannot be read is skipped with a note. ValueError for SQL that DuckDB refuses.
    """
    import duckdb

    named = {name for name in (*FOLDERS, "metrics", "events") if re.search(rf"\b{name}\b", sql, re.IGNORECASE)}
    files = {name: [run.file(name, step) for step in run.steps(name)] for name in FOLDERS if name in named}
    with duckdb.connect() as base:
        for name in named - files.keys():
            base.register(name, run.metrics() if name == "metrics" else run.events())
        try:
            return answer(base, run, files, sql)
        except duckdb.Error as error:
            whole = {name: [file for file in paths if readable(run, file)] for name, paths in files.items()}
            if whole == files:
                raise ValueError(f"the query failed: {error}") from error
            return answer(base, run, whole, sql)


def answer(base: Any, run: Record, files: dict[str, list[Path]], sql: str) -> "pandas.DataFrame":
    """The result over these files."""
    for name, paths in files.items():
        views = []
        for number, group in enumerate(groups(run, paths)):
            views.append(f"{name}_{number}")
            base.read_parquet([str(path) for path in group]).create_view(views[-1], replace=True)
        if views:
            union = " union all by name ".join(f"select * from {view}" for view in views)
            base.sql(f"create or replace view {name} as {union}")
    return base.sql(sql).df()  # type: ignore[no-any-return]


def groups(run: Record, files: list[Path]) -> Iterator[list[Path]]:
    """The files by their schema, in order of the first of each; one without a footer is skipped with a note."""
    found: dict[bytes, list[Path]] = {}
    for file in files:
        try:
            found.setdefault(schema_of(file), []).append(file)
        except (OSError, ValueError) as error:
            run.note(f"{file.parent.name}/{file.name} cannot be read ({str(error).splitlines()[0]}); skipped")
    yield from found.values()


def schema_of(file: Path) -> bytes:
    """What the columns of a parquet file are; ValueError where it is none."""
    with file.open("rb") as content:
        size = content.seek(0, 2)
        content.seek(max(0, size - TAIL))
        tail = content.read()
        length = int.from_bytes(tail[:4], "little")
        if tail[4:] != MAGIC or length + TAIL > size:
            raise ValueError("it has no parquet footer")
        content.seek(size - TAIL - length)
        found = SCHEMA.search(content.read(length))
    return found[1] if found else read_schema(file)


def read_schema(file: Path) -> bytes:
    """The same of a file that another program wrote."""
    import pyarrow.parquet

    return str(pyarrow.parquet.read_schema(file).remove_metadata()).encode()


def readable(run: Record, file: Path) -> bool:
    """Whether every column of a file can be read; a note where not."""
    from workbench.runs.directory.record import read_table

    try:
        read_table(file)
    except ValueError as error:
        run.note(f"{file.parent.name}/{error}; skipped")
        return False
    return True
