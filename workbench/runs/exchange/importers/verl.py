"""verl's `10.jsonl`: input, output, gts, score, step, and whatever the reward function returned. Texts only.

Written with `trainer.rollout_data_dir=FOLDER`, one file a step.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.runs.exchange.foreign import Foreign

FORMAT = "verl"
PATTERN = re.compile(r"(\d+)\.jsonl")
OWN = ("input", "output", "gts", "score", "step")


def files(source: Path) -> dict[int, Path]:
    """The files of a folder by step; none where it holds no such files."""
    found = [(PATTERN.fullmatch(path.name), path) for path in sorted(source.glob("*.jsonl"))]
    return {int(match[1]): path for match, path in found if match}


def read(source: Path) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    for step, path in sorted(files(source).items()):
        yield step, [rollout(row, path) for row in lines(path)]


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of JSON lines; ValueError names the file and the line that is none."""
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise ValueError(f"{path}, line {number}: no JSON object; remove the line, or copy the file again")
        found.append(row)
    return found


def rollout(row: dict[str, Any], path: Path) -> Foreign:
    """One line."""
    missing = [name for name in ("input", "output", "score") if name not in row]
    if missing:
        raise ValueError(f"{path} has no field {missing[0]}; give files that verl wrote to trainer.rollout_data_dir")
    score = float("nan") if row["score"] is None else float(row["score"])
    more = {
        name: float(value) for name, value in row.items() if name not in OWN and isinstance(value, bool | int | float)
    }
    wanted = row.get("gts")
    return Foreign(
        prompt=str(row["input"]),
        text=str(row["output"]),
        reward=score,
        answer="" if wanted is None else str(wanted),
        parts={"score": score, **more},
    )
