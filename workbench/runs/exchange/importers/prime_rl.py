"""prime-rl's token export: `token_exports/step_3/rank_0.jsonl`, one sequence a line with its tokens' numbers.

Written with `enable_token_export`. The prompt is what stands before the first token under the loss. It holds token
ids and no text: give the model's tokenizer to read them. A step is whole once its folder holds a file `STABLE`.
"""

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.runs.exchange.foreign import Foreign
from workbench.runs.exchange.importers.verl import lines

FORMAT = "prime-rl"
PATTERN = re.compile(r"step_(\d+)")
#: Columns of the run directory and what they are called there.
SIGNALS = {
    "advantage": "advantages",
    "logprob": "trainer_logprobs",
    "engine_logprob": "inference_logprobs",
    "entropy": "entropy",
}


def files(source: Path) -> dict[int, list[Path]]:
    """The files of every whole step; none where the folder, or its `token_exports`, holds no such files."""
    found: dict[int, list[Path]] = {}
    for folder in (source, source / "token_exports"):
        for path in sorted(folder.glob("step_*")):
            match = PATTERN.fullmatch(path.name)
            ranks = sorted(path.glob("rank_*.jsonl"))
            if match and ranks and (path / "STABLE").exists():
                found[int(match[1])] = ranks
    return found


def read(source: Path) -> Iterator[tuple[int, list[Foreign]]]:
    """Every whole step in order."""
    for step, ranks in sorted(files(source).items()):
        yield step, [rollout(row, path) for path in ranks for row in lines(path)]


def rollout(row: dict[str, Any], path: Path) -> Foreign:
    """One sequence, parted into prompt and answer."""
    missing = [name for name in ("token_ids", "loss_mask") if name not in row]
    if missing:
        raise ValueError(f"{path} has no field {missing[0]}; give the token_exports folder that prime-rl wrote")
    ids, trained = row["token_ids"], row["loss_mask"]
    start = trained.index(True) if True in trained else len(ids)
    signals = {name: numbers(row[key][start:]) for name, key in SIGNALS.items() if known(row.get(key))}
    rewards = [value for value in row.get("rewards") or [] if value is not None]
    return Foreign(
        prompt="",
        text="",
        reward=float(rewards[-1]) if rewards else math.nan,
        prompt_ids=ids[:start],
        token_ids=ids[start:],
        trained=trained[start:],
        signals=signals,
    )


def known(values: Sequence[float | None] | None) -> bool:
    """Whether a column holds anything."""
    return values is not None and any(value is not None for value in values)


def numbers(values: Sequence[float | None]) -> list[float]:
    """A column with nan where nothing was written."""
    return [math.nan if value is None else float(value) for value in values]
