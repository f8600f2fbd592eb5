"""TRL's `completions_00010.parquet`: prompt, completion, a column per reward function, the advantage. Texts only.

Written by `GRPOTrainer` with `log_completions=True` into `OUTPUT_DIR/completions/`. Prompts and completions are texts,
or lists of messages where the data set was conversational.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from workbench.runs.exchange.foreign import Foreign

FORMAT = "TRL"
PATTERN = re.compile(r"completions_(\d+)\.parquet")
OWN = ("step", "prompt", "completion", "advantage")


def files(source: Path) -> dict[int, Path]:
    """The files of a folder, or of its folder `completions`, by step; none where it holds no such files."""
    found = [
        path for folder in (source, source / "completions") for path in sorted(folder.glob("completions_*.parquet"))
    ]
    return {int(match[1]): path for path in found if (match := PATTERN.fullmatch(path.name))}


def read(source: Path) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    for step, path in sorted(files(source).items()):
        try:
            rows = pyarrow.parquet.read_table(path).to_pylist()
        except (OSError, pyarrow.ArrowException) as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"{path} cannot be read ({first}); remove it, or copy it again") from None
        yield step, [rollout(row, path) for row in rows]


def rollout(row: dict[str, Any], path: Path) -> Foreign:
    """One row. Rewards are the columns of numbers beside TRL's own; their sum stands for the weighted one."""
    missing = [name for name in ("prompt", "completion") if name not in row]
    if missing:
        raise ValueError(f"{path} has no column {missing[0]}; give files that TRL wrote with log_completions=True")
    parts = {
        name: float("nan") if value is None else float(value)
        for name, value in row.items()
        if name not in OWN and (value is None or isinstance(value, int | float)) and not isinstance(value, bool)
    }
    known = [value for value in parts.values() if not math.isnan(value)]
    advantage = row.get("advantage")
    return Foreign(
        prompt=spoken(row["prompt"]),
        text=spoken(row["completion"]),
        reward=sum(known) if known else math.nan,
        parts=parts,
        advantage=None if advantage is None else float(advantage),
    )


def spoken(given: Any) -> str:
    """A text as it is; messages one after the other, each led by its role where there are several.

    >>> spoken([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}])
    'system: Be brief.\\nuser: 2+2?'
    """
    if isinstance(given, str):
        return given
    messages = [(message.get("role", ""), str(message.get("content") or "")) for message in given]
    return messages[0][1] if len(messages) == 1 else "\n".join(f"{role}: {content}" for role, content in messages)
