"""Makes a run with roles and a memory: problems that come again, proposals with tries, late scores, a stock, alarms."""

import json
import math
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tokenizers import Tokenizer

from tests.widgets.fake_run import Shape, make_row, make_run, write_json, write_rollouts

POOL = 200  # problems of the task
TRIES = 4
SOURCES = ("run", "find")


def make_roles_run(folder: Path, shape: Shape = Shape(steps=8, problems=4, rollouts=6)) -> Path:
    """The run's solve groups as they were, then two proposals a step (the second invalid), and tries of the first."""
    make_run(folder, shape)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer" / "tokenizer.json"))
    ledger, problems = [survey(shape)], list[dict[str, Any]]()
    for step in range(1, shape.steps + 1):
        path = folder / "rollouts" / f"step-{step:06d}.parquet"
        rows = [again(row, step) for row in pq.read_table(path).to_pylist()]
        tried = propose(rows, tokenizer, step)
        write_rollouts(path, rows)
        ledger.append({"step": step, "visits": visits(rows)})
        problems.append(made(step, tried))
    write_lines(folder / "ledger.jsonl", ledger)
    write_lines(folder / "problems.jsonl", problems)
    config = json.loads((folder / "resolved.json").read_text())
    files = {"task": {"task": "sums"}, "rewards": [{"reward": "exact", "weight": 1.0}]}
    write_json(folder / "resolved.json", {**config, **files})
    add_numbers(folder)
    return folder


def again(row: dict[str, Any], step: int) -> dict[str, Any]:
    """A row of a problem that comes every second step."""
    known = {name: value for name, value in row.items() if name not in ("ref_logprob", "kl")}  # the writer adds them
    key = f"word_problems/{row['group'] + 4 * (step % 2)}"
    return {**known, "problem": key, "source": "", "role": "", "parent": None}


def propose(rows: list[dict[str, Any]], tokenizer: Tokenizer, step: int) -> list[dict[str, Any]]:
    """Appends the step's proposals and tries; answers the tries."""
    group, first, dice = max(row["group"] for row in rows) + 1, len(rows), random.Random(step)
    rows += [proposal(tokenizer, dice, (step, group, number), first) for number in range(2)]
    tries = [attempt(tokenizer, dice, (step, group + 1, number), first) for number in range(TRIES)]
    rows += tries
    return tries


def proposal(tokenizer: Tokenizer, dice: random.Random, place: tuple[int, int, int], first: int) -> dict[str, Any]:
    """A proposal with a late score; the second one holds no problem."""
    step, _, number = place
    text, worth, reason = [
        ("<problem> What is 3 + 4? </problem>", 0.75, "solved 25%"),
        ("nothing", -1.0, "no problem"),
    ][number]
    row = make_row(tokenizer, dice, (*place, 2), ("Propose a problem.", text), (0, False))
    part = {"name": "worth", "value": worth, "correct": math.nan, "reason": reason, "extracted": ""}
    row |= {"rollout": first + number, "problem": f"propose {step}", "role": "propose", "source": SOURCES[step % 2]}
    row |= {"parent": None, "reward": worth, "correct": math.nan, "parts": [part]}
    tokens = len(row["token_ids"])
    return {**row, "advantage": [worth] * tokens, "lens": [worth * 0.01] * tokens}


def attempt(tokenizer: Tokenizer, dice: random.Random, place: tuple[int, int, int], first: int) -> dict[str, Any]:
    """A try at the first proposal; the first of them is correct."""
    step, _, number = place
    texts = ("What is 3 + 4?", f"Answer: {7 if number == 0 else 8}")
    row = make_row(tokenizer, dice, (*place, TRIES), texts, (7, number == 0))
    row |= {"rollout": first + 2 + number, "problem": f"made {step}", "role": "try", "source": SOURCES[step % 2]}
    row |= {"parent": first, "trained": [False] * len(row["token_ids"])}
    return {**row, "advantage": None, "lens": None}


def visits(rows: list[dict[str, Any]]) -> list[list[Any]]:
    """The ledger's entries of a step's rows, and two more problems that no rollouts are on record of."""
    members: dict[str, list[float]] = {}
    for row in rows:
        if not row["role"] and row["correct"] == row["correct"]:
            members.setdefault(row["problem"], []).append(row["correct"])
    step = rows[0]["step"]
    found = [[key, int(key.rpartition("/")[2]), len(grades), sum(grades), 12.0] for key, grades in members.items()]
    forgotten = [["word_problems/50", 50, 6, 5.0 if step < 4 else 1.0, 9.0]]
    return [*found, *forgotten, ["word_problems/51", 51, 6, 0.0, 9.0]]


def survey(shape: Shape) -> dict[str, Any]:
    """Step 0: some problems were tried before training."""
    return {
        "step": 0,
        "visits": [[f"word_problems/{number}", number, 4, float(number % 3 == 0), 8.0] for number in range(8)],
    }


def made(step: int, tried: list[dict[str, Any]]) -> dict[str, Any]:
    """The stock's line of a step."""
    data = {"mean": 0.25 + 0.05 * (step % 4), "kind": SOURCES[step % 2]}
    return {
        "step": step,
        "key": f"made {step}",
        "prompt": f"What is {step} + 4?",
        "answer": str(step + 4),
        "source": tried[0]["source"],
        "data": data,
    }


def write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def add_numbers(folder: Path) -> None:
    """Metrics of the role, and an alarm that paused the run."""
    path = folder / "metrics.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if line["step"]:
            line |= {
                "correct.try": 0.25,
                "entropy.propose": 0.9 - 0.05 * line["step"],
                "length.propose": 9.0,
                "reward.propose": -0.1,
            }
    write_lines(path, lines)
    alarm = {
        "attempt": 1,
        "time": 1.7e9 + 5,
        "step": 4,
        "kind": "alarm",
        "text": "entropy_floor: entropy 0.1 nats a token is below 0.2",
        "action": "pause",
    }
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(alarm) + "\n")
