"""verl's `10.jsonl`: input, output, gts, score, step, and whatever the reward function returned. Texts only.

Written with `trainer.rollout_data_dir=FOLDER`, one file a step. Rollouts with the same `uid` are a group; verl's newer
trainer numbers them SAMPLE_ROLLOUT_OUTPUT. Without it, equal prompts are one group.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.runs.exchange.foreign import Foreign, Options
from workbench.runs.exchange.messages import pieces, spoken

FORMAT = "verl"
PATTERN = re.compile(r"(\d+)\.jsonl(\.gz|\.zst)?")
NUMBERED = re.compile(r"(.+)_\d+_\d+")  # a uid of the newer trainer
OWN = ("input", "output", "gts", "score", "step", "uid")


def files(source: Path) -> dict[int, Path]:
    """The files of a folder by step; none where it holds no such files."""
    found = [(PATTERN.fullmatch(path.name), path) for path in sorted(source.glob("*.jsonl*"))]
    return {int(match[1]): path for match, path in found if match}


def watched(source: Path) -> list[Path]:
    """Every file that `read` reads."""
    return list(files(source).values())


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    for step, path in sorted(files(source).items()):
        yield step, options.files.lines(path, rollout)


def rollout(row: dict[str, Any], place: str) -> Foreign:
    """One line."""
    missing = [name for name in ("input", "output", "score") if name not in row]
    if missing:
        raise ValueError(f"{place} has no field {missing[0]}; give files that verl wrote to trainer.rollout_data_dir")
    score = number(row["score"], place)
    more = {
        name: float(value) for name, value in row.items() if name not in OWN and isinstance(value, bool | int | float)
    }
    wanted, uid = row.get("gts"), "" if row.get("uid") is None else str(row["uid"])
    numbered = NUMBERED.fullmatch(uid)
    output = row["output"]
    return Foreign(
        prompt=spoken(row["input"]) if isinstance(row["input"], str | list) else str(row["input"]),
        text=spoken(output) if isinstance(output, str | list) else str(output),
        pieces=pieces(output) if isinstance(output, list) else None,
        reward=score,
        answer="" if wanted is None else str(wanted),
        parts={"score": score, **more},
        group=numbered[1] if numbered else uid,
    )


def number(value: Any, place: str) -> float:
    """A score; nan where there is none or it is not finite. ValueError names what is no number."""
    try:
        found = math.nan if value is None else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{place}: score = {value!r} is no number; import files with one score a rollout") from None
    return found if math.isfinite(found) else math.nan
