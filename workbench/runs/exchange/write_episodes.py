"""Writes a run's rollouts as verifiers' `traces.jsonl` (version 1), one episode a line, for whatever reads those.

An episode is one rollout: a node with the prompt as the model saw it, and a node with the completion, its tokens and
their numbers. What was not recorded, or is not finite at every trained token, is left out and never zero.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy

import workbench
from workbench.runs.directory.paths import replacing
from workbench.runs.exchange.episodes import OURS, SIGNALS, VERSION
from workbench.runs.open import Run

NEAR = 1e-6  # how far the sum of a reward's parts may be from the reward, relative to it
DECIMALS = 6  # of numbers per token, which are float32

Row = Mapping[Any, Any]


def write_episodes(
    run: Run, path: str | Path, steps: Sequence[int] | None = None, told: Callable[[str], None] = lambda text: None
) -> int:
    """Writes every rollout of these steps, or of all, and answers how many; the file appears when it is complete.

    `told` hears what was left out. ValueError where a step is not on record, or the file cannot be written.
    """
    target, count, left = Path(path), 0, dict[str, int]()
    times = {line["step"]: float(line.get("time") or 0.0) for line in run.lines()}
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target, sync=True) as draft, draft.open("w", encoding="utf-8", newline="\n") as file:
            for step in run.steps() if steps is None else steps:
                for row in run.rollouts(step).to_dict("records"):
                    made = episode(run, row, times.get(step, 0.0), left)
                    file.write(json.dumps(made, ensure_ascii=False, allow_nan=False) + "\n")
                    count += 1
    except OSError as error:
        raise ValueError(f"{target} cannot be written ({error.strerror}); give another file") from None
    for name, number in left.items():
        told(f"{name}: left out of {number} episodes, where a trained token has no finite number")
    return count


def episode(run: Run, row: Row, time: float, left: dict[str, int]) -> dict[str, Any]:
    """A rollout as an episode of one trace; `left` counts the numbers that are left out."""
    settings, name = run.resolved, f"{run.name}/{row['step']}/{row['rollout']}"
    task = {
        "type": str((settings.get("task") or {}).get("key") or "recorded"),
        "data": {"prompt": row["prompt"], "answer": text(row["answer"])},
        "key": row["problem"],
    }
    work = {"type": "train", "step": int(row["step"])}
    return {
        "id": name,
        "env": {"id": task["type"]},
        "task": task,
        "group": {"id": f"{run.name}/{row['step']}/{row['group']}"},
        "run": {"type": "train", "id": run.name, "name": run.title, "work": work},
        "ok": True,
        "errors": [],
        "traces": [trace(row, name, task, time, left)],
    }


def trace(row: Row, name: str, task: Mapping[str, Any], time: float, left: dict[str, int]) -> dict[str, Any]:
    """The one trace of a rollout."""
    rewards, metrics = rewards_of(row)
    finish, written = str(row["finish"]), len(row["token_ids"])
    call = {
        "node": 1,
        "finish_reason": finish if finish in ("stop", "length") else None,
        "usage": {"prompt_tokens": len(row["prompt_ids"]), "completion_tokens": written},
    }
    return {
        "version": VERSION,
        "id": f"{name}/0",
        "task": dict(task),
        "agent": {"config": {}, "name": "policy", "trainable": True},
        "nodes": [asked(row, time), answered(row, time, left)],
        "calls": [without_gaps(call)] if finish != "given" else [],
        "rewards": rewards,
        "metrics": metrics,
        "info": {"written_by": f"rlvr-workbench {workbench.__version__}", "excluded": text(row.get("excluded"))},
        "is_completed": True,
        "ok": True,
        **({"stop_condition": finish} if finish in OURS else {}),
        "timing": {"start": time},
    }


def asked(row: Row, time: float) -> dict[str, Any]:
    """The prompt's node: as the model saw it, template included."""
    ids = [int(token) for token in row["prompt_ids"]]
    return {
        "message": {"role": "user", "content": row["prompt"]},
        "sampled": False,
        "timestamp": time,
        "token_ids": ids,
        "mask": [False] * len(ids),
        "is_content": [True] * len(ids),
    }


def answered(row: Row, time: float, left: dict[str, int]) -> dict[str, Any]:
    """The completion's node; numbers stand at its trained tokens alone."""
    mask = numpy.asarray(row["trained"], dtype=bool)
    return {
        "parent": 0,
        "message": {"role": "assistant", "content": row["text"]},
        "sampled": row["finish"] != "given",
        "timestamp": time,
        "token_ids": [int(token) for token in row["token_ids"]],
        "mask": mask.tolist(),
        "is_content": [True] * len(mask),
        **numbers(row, mask, left),
    }


def numbers(row: Row, mask: Any, left: dict[str, int]) -> dict[str, list[float]]:
    """Numbers of the trained tokens, by verifiers' names; one that lacks a number is left out and counted."""
    found = {}
    for name, column in SIGNALS.items():
        values = row.get(column)
        if values is None or not mask.any() or len(values) != len(mask):
            continue
        kept = numpy.asarray(values, dtype=float)[mask]
        if numpy.isfinite(kept).all():
            found[name] = [round(float(value), DECIMALS) for value in kept]
        elif numpy.isfinite(kept).any():
            left[column] = left.get(column, 0) + 1
    return found


def rewards_of(row: Row) -> tuple[dict[str, Any], dict[str, float]]:
    """Rewards whose weighted sum is the reward, and metrics: its parts are rewards where they sum up to it."""
    parts = {str(part["name"]): float(part["value"]) for part in (row["parts"] if row["parts"] is not None else ())}
    reward, metrics = number(row["reward"]), without_gaps({"correct": number(row["correct"])})
    known = {name: value for name, value in parts.items() if math.isfinite(value)}
    if reward is None:
        return {}, {**known, **metrics}
    if known and math.isclose(sum(known.values()), reward, rel_tol=NEAR, abs_tol=NEAR):
        given = {name: {"score": known[name], "weight": 1.0} if name in known else None for name in parts}
        return given, metrics
    return {"reward": {"score": reward, "weight": 1.0}}, {**known, **metrics}


def text(value: Any) -> str:
    """A text; empty where a column is null, which a table of numbers and texts shows as nan."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A finite number, or None."""
    return float(value) if value is not None and math.isfinite(value) else None


def without_gaps(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table without what is None."""
    return {name: value for name, value in table.items() if value is not None}
