"""trackio's database: the table `traces`, with the messages of every rollout and its metadata. Texts only.

`$TRACKIO_DIR/PROJECT.db`, or the folder of it. As TRL writes it, the metadata hold `reward`, `rewards/NAME`,
`advantage` and `group_id`. A database holds several runs: `Options.run` says which.
"""

import json
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from workbench.runs.exchange.foreign import Foreign, Options
from workbench.runs.exchange.messages import pieces, spoken

FORMAT = "trackio"
REWARDS = "rewards/"
QUERY = "SELECT step, messages, metadata FROM traces WHERE run_name IS ? ORDER BY step, timestamp, trace_index, id"


def files(source: Path) -> list[Path]:
    """The databases with traces: the file itself, or those of a folder."""
    found = [source] if source.is_file() else sorted(source.glob("*.db"))
    return [path for path in found if path.suffix == ".db" and has_traces(path)]


def watched(source: Path) -> list[Path]:
    """Every file that changes as traces come: the database, and its log of what is not yet in it."""
    return [file for path in files(source) for file in (path, path.with_name(f"{path.name}-wal")) if file.exists()]


def has_traces(path: Path) -> bool:
    """Whether a file is a database with a table of traces."""
    try:
        with closing(opened(path)) as database:
            return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = 'traces'").fetchall())
    except sqlite3.Error:
        return False


def opened(path: Path) -> sqlite3.Connection:
    """A database, for reading only."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step of the run in order."""
    found = files(source)
    if len(found) > 1:
        raise ValueError(f"{source} holds several projects ({', '.join(path.name for path in found)}); give one file")
    with closing(opened(found[0])) as database:
        run = chosen([name for (name,) in database.execute("SELECT DISTINCT run_name FROM traces")], options, source)
        rows = database.execute(QUERY, (run,)).fetchall()
    steps: dict[int, list[Foreign]] = {}
    for step, messages, metadata in rows:
        steps.setdefault(int(step or 0), []).append(rollout(messages, metadata, f"{found[0]}, step {step}"))
    yield from sorted(steps.items())


def chosen(names: Sequence[str], options: Options, source: Path) -> str | None:
    """The run to read: the one there is, or the one that is asked for."""
    if options.run is not None and options.run in names:
        return options.run
    if options.run is None and len(names) <= 1:
        return names[0] if names else None
    raise ValueError(f"{source} holds the runs {', '.join(map(str, names))}; name one of them: --run NAME")


def rollout(messages: str | bytes, metadata: str | bytes | None, place: str) -> Foreign:
    """One trace: what stands before the first answer is the prompt."""
    try:
        said, told = json.loads(messages), json.loads(metadata or "{}")
    except ValueError:
        raise ValueError(f"{place}: a trace is no JSON; copy the database again") from None
    if not isinstance(told, dict) or not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise ValueError(f"{place}: a trace has no list of messages; give a database that trackio wrote")
    start = next((n for n, message in enumerate(said) if message.get("role") == "assistant"), len(said))
    answer, reward = pieces(said[start:]), number(told, "reward")
    parts = {name.removeprefix(REWARDS): number(told, name) for name in told if name.startswith(REWARDS)}
    advantage = number(told, "advantage")
    return Foreign(
        prompt=spoken(said[:start]),
        text="".join(text for text, _ in answer),
        pieces=answer,
        reward=reward,
        parts=parts,
        advantage=None if math.isnan(advantage) else advantage,
        group="" if told.get("group_id") is None else str(told["group_id"]),
    )


def number(told: Mapping[str, Any], name: str) -> float:
    """A finite number of the metadata, or nan."""
    value = told.get(name)
    found = float(value) if isinstance(value, int | float) else math.nan
    return found if math.isfinite(found) else math.nan
