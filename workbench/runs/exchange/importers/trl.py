"""TRL's `completions_00010.parquet`: prompt, completion, a column per reward function, the advantage. Texts only.

Written by `GRPOTrainer` with `log_completions=True` into `OUTPUT_DIR/completions/`. Prompts and completions are texts,
or lists of messages where the data set was conversational. Nothing marks which columns are rewards and which were
logged besides: `rewards.py` finds those that reproduce the advantage.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.runs.exchange.foreign import Foreign, Options
from workbench.runs.exchange.messages import pieces, spoken
from workbench.runs.exchange.rewards import Found, find_rewards

FORMAT = "TRL"
PATTERN = re.compile(r"completions_(\d+)\.parquet")
OWN = ("step", "prompt", "completion", "advantage")

Row = dict[str, Any]


def files(source: Path) -> dict[int, Path]:
    """The files of a folder, or of its folder `completions`, by step; none where it holds no such files."""
    found = [
        path for folder in (source, source / "completions") for path in sorted(folder.glob("completions_*.parquet"))
    ]
    return {int(match[1]): path for path in found if (match := PATTERN.fullmatch(path.name))}


def watched(source: Path) -> list[Path]:
    """Every file that `read` reads."""
    return list(files(source).values())


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    steps = {step: table(path, options) for step, path in sorted(files(source).items())}
    found = find_rewards(list(steps.values()), OWN, options)
    for step, rows in steps.items():
        yield step, [rollout(row, found, number) for number, row in enumerate(rows)]


def table(path: Path, options: Options) -> list[Row]:
    """The rows of a file."""
    rows = options.files.table(path)
    missing = [name for name in ("prompt", "completion") if rows and name not in rows[0]]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]}; give files that TRL wrote with log_completions=True")
    return rows


def rollout(row: Row, found: Found, number: int) -> Foreign:
    """One row; its rewards are the columns that were found to be rewards, weighted and summed as TRL sums them."""
    parts = {name: value_of(row, name) for name in found.weights}
    known = [found.weights[name] * value for name, value in parts.items() if not math.isnan(value)]
    advantage = value_of(row, "advantage")
    several = not isinstance(row["completion"], str)
    return Foreign(
        prompt=spoken(row["prompt"]),
        text=spoken(row["completion"]),
        pieces=pieces(row["completion"]) if several else None,
        reward=sum(known) if known else math.nan,
        parts=parts,
        advantage=None if math.isnan(advantage) else advantage,
        group=f"{number // found.size}" if found.size else "",
    )


def value_of(row: Mapping[str, Any], name: str) -> float:
    """A number of a row; nan where there is none, or it is not finite."""
    value = row.get(name)
    found = float(value) if isinstance(value, bool | int | float) else math.nan
    return found if math.isfinite(found) else math.nan
