"""Small writers of peers' formats, and the words of an imported rollout that count as trained."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pyarrow.parquet

from widgets.recorded.data import RunData
from workbench.runs.open import Run


def write_verl(folder: Path, rows: list[dict[str, Any]], step: int = 3, end: str = "\n") -> Path:
    """As verl writes it: no escapes, so that U+2028 and its like stand raw inside a line."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (folder / f"{step}.jsonl").write_bytes(
        (text + end).encode("utf-8", "surrogatepass" if "\ud800" in text else "strict")
    )
    return folder


def write_trl(folder: Path, step: int, **columns: Any) -> Path:
    """As TRL writes it: one parquet file a step."""
    place = folder / "completions"
    place.mkdir(parents=True, exist_ok=True)
    count = len(next(iter(columns.values())))
    pandas.DataFrame({"step": [step] * count, **columns}).to_parquet(place / f"completions_{step:05d}.parquet")
    return folder


def row(output: str = "4", score: Any = 1.0, **more: Any) -> dict[str, Any]:
    return {"input": "2 + 2?", "output": output, "gts": "4", "score": score, "step": 3, **more}


CALL = {"function": {"name": "add", "arguments": {"a": 2, "b": 2}}, "type": "function"}
TALK = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "content": "TOOLWORD here", "tool_calls": None},
    {"role": "assistant", "content": "It is 4.", "tool_calls": None},
]


def trained_text(run: Run, step: int, number: int = 0) -> str:
    """The words of a rollout that count as trained."""
    vocabulary, frame = RunData(run).vocabulary, run.rollouts(step)
    assert vocabulary is not None
    marked = zip(frame["token_ids"][number], frame["trained"][number], strict=True)
    return "".join(vocabulary.entry(int(token))[0] for token, mark in marked if mark)


def node(parent: int | None, role: str, text: str, ids: list[int], sampled: bool, **numbers: Any) -> dict[str, Any]:
    """A node of a trace; only sampled tokens have numbers."""
    own = {"token_ids": ids, "mask": [sampled] * len(ids), **numbers} if ids else {}
    return {"parent": parent, "message": {"role": role, "content": text}, "sampled": sampled, **own}


def episode(name: str = "e1", step: int = 4, tokens: bool = True, **more: Any) -> dict[str, Any]:
    """Two turns of the model with a tool's answer between."""
    ids = (lambda *given: list(given)) if tokens else (lambda *given: [])
    nodes = [
        node(None, "user", "2 + 2?", ids(1, 2), False),
        node(0, "assistant", "I call", ids(3, 4), True, logprobs=[-0.1, -0.2], advantages=[0.7, 0.7]),
        node(1, "tool", "TOOLWORD", ids(5, 6, 7), False),
        node(2, "assistant", "4", ids(8), True, logprobs=[-0.3], advantages=[0.7]),
    ]  # fmt: skip
    rewards = {"exact": {"score": 1.0, "weight": 1.0}, "style": {"score": 0.5, "weight": 0.2}, "off": None}
    trace = {"version": 1, "id": f"t-{name}", "nodes": nodes, "metrics": {"n": 2.0}, "rewards": rewards}
    return {"id": name, "task": {"type": "x", "data": {"idx": 5, "answer": "4"}}, "group": {"id": "g"}, "ok": True,
            "run": {"id": "r", "work": {"type": "train", "step": step}}, "traces": [trace], **more}  # fmt: skip


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(each) + "\n" for each in rows).encode()
    if path.suffix == ".zst":  # two frames, as a chunk that was sealed has
        half = content.index(b"\n") + 1
        content = b"".join(
            bytes(pyarrow.Codec("zstd").compress(part)) for part in (content[:half], content[half:]) if part
        )
    path.write_bytes(content)
    return path


def write_trackio(path: Path, rows: list[tuple[str, int, Any, dict[str, Any]]]) -> Path:
    """As trackio writes it, its texts as bytes: run, step, messages and metadata of every trace."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS traces (id TEXT PRIMARY KEY, run_id TEXT NOT NULL, timestamp TEXT NOT NULL, "
            "run_name TEXT NOT NULL, step INTEGER NOT NULL, key TEXT NOT NULL, trace_index INTEGER, messages TEXT NOT "
            "NULL, metadata TEXT NOT NULL, search_text TEXT NOT NULL, log_id TEXT, space_id TEXT, spans TEXT)"
        )
        (there,) = database.execute("SELECT count(*) FROM traces").fetchone()
        database.executemany(
            "INSERT INTO traces (id, run_id, timestamp, run_name, step, key, trace_index, messages, metadata, "
            "search_text) VALUES (?, ?, '2026-08-21', ?, ?, 'completions', ?, ?, ?, '')",
            [
                (f"{run}:{there + n}", run, run, step, n, json.dumps(said).encode(), json.dumps(told).encode())
                for n, (run, step, said, told) in enumerate(rows)
            ],
        )
    database.close()
    return path


def write_miles(folder: Path, step: int, samples: list[dict[str, Any]], said: list[dict[str, Any]]) -> Path:
    """As miles writes it: tokens and their numbers as parquet, conversations as JSON lines beside it."""
    place = folder / "dashboard_columns" / f"rollout_{step}.parquet"
    place.parent.mkdir(parents=True, exist_ok=True)
    kinds = {"sample_index": pyarrow.int32(), "response_length": pyarrow.int32(), "total_length": pyarrow.int32(),
             "tokens": pyarrow.list_(pyarrow.int32()), "loss_mask": pyarrow.list_(pyarrow.int8()),
             "rollout_log_probs": pyarrow.list_(pyarrow.float32())}  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(samples, schema=pyarrow.schema(kinds)), place)
    if said:
        write_lines(folder / "trajectory" / f"{step}.jsonl", said)
    return folder
