"""Has the rollouts of a fake run scored again after their step, as a run does whose `record.after` is set."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Score = Callable[[dict[str, Any]], list[float]]


def follow(row: dict[str, Any]) -> list[float]:
    """Log-probs after a step that gives each token ten times the push it was asked for."""
    return [old + 10 * push for old, push in zip(row["logprob"], row["lens"], strict=True)]


def score_again(run: Path, step: int, groups: int, score: Score = follow, **columns: Score) -> Path:
    """Writes `after_logprob` for the first groups of a step, and other columns anew for all of them."""
    path = run / "rollouts" / f"step-{step:06d}.parquet"
    table = pq.read_table(path)
    rows = [row | {name: make(row) for name, make in columns.items()} for row in table.to_pylist()]
    again = [score(row) if row["group"] < groups else None for row in rows]
    changed = pa.Table.from_pylist(rows, schema=table.schema)
    pq.write_table(changed.append_column("after_logprob", pa.array(again, pa.list_(pa.float32()))), path)
    return run
