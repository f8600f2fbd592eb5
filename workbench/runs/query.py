"""SQL over what runs recorded: files of the same columns are read as one table, and only the tables that are named.

Columns have their current names, whatever version recorded them. Nothing is kept between two queries, so no answer is
ever stale. To join thousands of files by name DuckDB would open each of them first; files that carry the same schema,
byte for byte, need no joining.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from workbench.runs.directory.aliases import current_name
from workbench.runs.directory.paths import RunDirectory

if TYPE_CHECKING:
    import pandas

FOLDERS = ("rollouts", "evaluations", "probes")
#: Every table, with what a row of it is.
TABLES = {
    "steps": "a step's metrics; also called metrics",
    "rollouts": "a completion of training",
    "tokens": "a token of such a completion, with every number that was recorded of it",
    "evaluations": "a completion of a held-out problem",
    "probes": "a completion of a tracked problem",
    "exams": "a number that `workbench eval` found, with its interval",
    "events": "something that happened",
}
#: What of a rollout stands in every row of its tokens.
OF_ROLLOUT = ("step", "rollout", "problem", "group", "reward", "correct", "finish")
NOT_TOKENS = ("prompt_ids", "top_ids", "top_probs", "engine_top_ids", "engine_top_logprobs")
PER_TOKEN = ("INTEGER[]", "FLOAT[]", "DOUBLE[]", "BOOLEAN[]")  # DuckDB's names of their columns' types
MAGIC, TAIL = b"PAR1", 8  # a parquet file ends with the length of its footer and these four bytes
SCHEMA = re.compile(rb"ARROW:schema.{1,8}?([A-Za-z0-9+/=]{40,})", re.DOTALL)


@runtime_checkable
class Record(Protocol):
    """What a query reads of a run."""

    directory: RunDirectory

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


Runs = Mapping[str, Record]  # by the name in the column `run`; "" for a run by itself, which needs no such column
Files = dict[str, list[tuple[Path, str]]]  # of a folder: the files, each with its run


def query(run: Record, sql: str) -> "pandas.DataFrame":
    """What SQL gives over the tables of one run (`TABLES`).

    A file that cannot be read is skipped with a note. ValueError for SQL that DuckDB refuses.
    """
    return query_all({"": run}, sql)


def query_all(runs: Runs, sql: str) -> "pandas.DataFrame":
    """The same over several runs; every table then has a column `run`."""
    import duckdb

    named = {name for name in (*TABLES, "metrics") if re.search(rf"\b{name}\b", sql, re.IGNORECASE)}
    wanted = {"rollouts" if name == "tokens" else name for name in named} & set(FOLDERS)
    files: Files = {
        folder: [(run.file(folder, step), name) for name, run in runs.items() for step in run.steps(folder)]
        for folder in sorted(wanted)
    }
    with duckdb.connect() as base:
        register(base, runs, named)
        try:
            return answer(base, runs, files, named, sql)
        except duckdb.Error as error:
            whole = {name: [one for one in paths if readable(runs[one[1]], one[0])] for name, paths in files.items()}
            if whole == files:
                reason = " ".join(str(error).split())
                raise ValueError(f"the query failed: {reason}; the tables are {', '.join(TABLES)}") from error
            return answer(base, runs, whole, named, sql)


def register(base: Any, runs: Runs, named: set[str]) -> None:
    """Makes the tables that are no parquet files."""
    frames = {name: named_rows(runs, name) for name in named & {"steps", "metrics", "events", "exams"}}
    for name, frame in frames.items():
        base.register(name, frame)


def named_rows(runs: Runs, table: str) -> "pandas.DataFrame":
    """A table of all runs as one frame, the run's name in its first column."""
    import pandas

    frames = []
    for name, run in runs.items():
        rows = exams(run) if table == "exams" else run.events() if table == "events" else run.metrics()
        if name:
            rows.insert(0, "run", name)
        frames.append(rows.dropna(axis="columns", how="all") if len(runs) > 1 else rows)
    return pandas.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def exams(run: Record) -> "pandas.DataFrame":
    """What `workbench eval` kept, a number a row: step, exam, measure, value, low, high, problems."""
    import json

    import pandas

    rows = []
    for file in sorted(run.directory.evaluations.glob("eval-*.json")):
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            measures = {f"pass@{tries}": each for tries, each in found["passes"].items()}
            measures |= {f"majority@{tries}": each for tries, each in found["votes"].items()}
            measures |= {f"gain of pass@{tries}": each for tries, each in found["gains"].items()}
            measures |= found.get("measures", {})
            numbers = ("value", "low", "high", "problems")
            for name, each in measures.items():
                rows.append([found["step"], found.get("exam") or "test", name, *(each[number] for number in numbers)])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            run.note(f"evaluations/{file.name} cannot be read ({type(error).__name__}: {error}); skipped")
    return pandas.DataFrame(rows, columns=["step", "exam", "measure", "value", "low", "high", "problems"])


def answer(base: Any, runs: Runs, files: Files, named: set[str], sql: str) -> "pandas.DataFrame":
    """The result over these files."""
    for name, paths in files.items():
        views = []
        for number, group in enumerate(groups(runs, paths)):
            view = f"{name}_{number}"
            found = base.read_parquet([str(path) for path, _ in group], filename=True)
            found.create_view(f"{view}_files", replace=True)
            base.register(f"{view}_runs", run_names(group))
            views.append(current_columns(found.columns, view, multiple="" not in runs))
        if views:
            base.sql(f"create or replace view {name} as {' union all by name '.join(views)}")
    if "tokens" in named and files["rollouts"]:
        base.sql(f"create or replace view tokens as {tokens(base)}")
    found = base.sql(sql)
    if found is None:
        raise ValueError(f"the query failed: it selects nothing; the tables are {', '.join(TABLES)}")
    return found.df()  # type: ignore[no-any-return]


def run_names(group: Sequence[tuple[Path, str]]) -> "pandas.DataFrame":
    """The run of every file."""
    import pandas

    return pandas.DataFrame([(str(path), name) for path, name in group], columns=["filename", "run"])


def current_columns(columns: Sequence[str], view: str, *, multiple: bool) -> str:
    """A selection from files with their columns under the current names, and of several runs with the run."""
    old = [name for name in columns if current_name(name) != name and current_name(name) not in columns]
    renamed = ", ".join(f'"{name}" as "{current_name(name)}"' for name in old)
    chosen = f"* exclude (filename) {f'rename ({renamed})' if old else ''}"
    if not multiple:
        return f"(select {chosen} from {view}_files)"
    return f"(select {view}_runs.run, {view}_files.{chosen} from {view}_files join {view}_runs using (filename))"


def tokens(base: Any) -> str:
    """A selection with a row for every token of the rollouts, its numbers side by side."""
    shown = base.sql("select * from rollouts limit 0")
    types = dict(zip(shown.columns, map(str, shown.types), strict=True))
    per_token = [name for name in types if types[name] in PER_TOKEN and name not in NOT_TOKENS and name != "token_ids"]
    kept = [name for name in ("run", *OF_ROLLOUT) if name in types]
    columns = [f'"{name}"' for name in kept] + [
        "unnest(range(len(token_ids))) as position",
        "unnest(token_ids) as token_id",
        *(f'unnest("{name}") as "{name}"' for name in per_token),
    ]
    return f"select {', '.join(columns)} from rollouts"


def groups(runs: Runs, files: Sequence[tuple[Path, str]]) -> Iterator[list[tuple[Path, str]]]:
    """The files by their schema, in order of the first of each; one without a footer is skipped with a note."""
    found: dict[bytes, list[tuple[Path, str]]] = {}
    for file, name in files:
        try:
            found.setdefault(schema_of(file), []).append((file, name))
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            runs[name].note(f"{file.parent.name}/{file.name} cannot be read ({reason}); skipped")
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
