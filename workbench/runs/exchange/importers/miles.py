"""miles' `dashboard_columns/rollout_3.parquet`: tokens, loss mask and the engine's log-probs of every sample.

Written with `--dump-details FOLDER`. Groups, rewards and texts stand in `trajectory/3.jsonl`, which it writes for
conversations only. Advantages, the trainer's log-probs and entropies lie in pickles (`.pt`), which run code when they
are opened, and are not read. Samples of an evaluation (`rollout_eval_3`) are left out.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.runs.exchange.foreign import Foreign, Options
from workbench.runs.exchange.messages import spoken

FORMAT = "miles"
PATTERN = re.compile(r"rollout_(\d+)\.parquet")
COLUMNS = ("sample_index", "response_length", "tokens", "loss_mask", "rollout_log_probs")

Row = Mapping[str, Any]


def files(source: Path) -> dict[int, Path]:
    """The columns of a folder, or of its folder `dashboard_columns`, by step; none where it holds no such files."""
    found = [path for folder in (source, source / "dashboard_columns") for path in sorted(folder.glob("*.parquet"))]
    return {int(match[1]): path for path in found if (match := PATTERN.fullmatch(path.name))}


def watched(source: Path) -> list[Path]:
    """Every file that `read` reads."""
    found = files(source)
    return [*found.values(), *(path for step in found if (path := conversations(found[step], step)).is_file())]


def conversations(columns: Path, step: int) -> Path:
    """Where the conversations of a step stand."""
    return columns.parent.parent / "trajectory" / f"{step}.jsonl"


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    found = files(source)
    silent = 0
    for step, path in sorted(found.items()):
        talk = conversations(path, step)
        told = dict(options.files.lines(talk, conversation)) if talk.is_file() else {}
        rows = options.files.table(path)
        missing = [name for name in COLUMNS if rows and name not in rows[0]]
        if missing:
            raise ValueError(f"{path} has no column {missing[0]}; give a folder that miles wrote with --dump-details")
        silent += sum(row["sample_index"] not in told for row in rows)
        yield step, [rollout(row, told.get(row["sample_index"], {}), f"{path}, row {n}") for n, row in enumerate(rows)]
    if silent:
        options.notes.append(
            f"{silent} samples have no line in trajectory/: their rewards and groups stand in pickles, "
            "which are not read"
        )
    folder = next(iter(found.values())).parent.parent / "tokenizer"
    if folder.is_dir():
        options.notes.append(f"the run's tokenizer is there: --tokenizer {folder} shows its tokens as text")


def conversation(row: dict[str, Any], place: str) -> tuple[int, dict[str, Any]]:
    """A line of the conversations by its sample."""
    if not isinstance(row.get("sample_index"), int):
        raise ValueError(f"{place} has no sample_index; give a folder that miles wrote with --dump-details")
    return row["sample_index"], row


def rollout(row: Row, told: Row, place: str) -> Foreign:
    """One sample. Its tokens are prompt and response in one, of which the last `response_length` are the response."""
    tokens, length = list(row["tokens"] or []), int(row["response_length"] or 0)
    mask = [True] * length if row["loss_mask"] is None else [bool(mark) for mark in row["loss_mask"]]
    numbers = row["rollout_log_probs"]
    if length > len(tokens) or len(mask) != length or (numbers is not None and len(numbers) != length):
        raise ValueError(
            f"{place}: {length} tokens of response, of {len(tokens)} in all, and {len(mask)} in its mask do not fit; "
            "copy the file again"
        )
    said = [each for each in told.get("messages") or [] if isinstance(each, Mapping)]
    start = next((n for n, message in enumerate(said) if message.get("role") == "assistant"), len(said))
    reward = told.get("reward")
    return Foreign(
        prompt=spoken(said[:start] or told.get("prompt") or ""),
        text=spoken(said[start:]),
        reward=float(reward) if isinstance(reward, int | float) and math.isfinite(reward) else math.nan,
        prompt_ids=tokens[: len(tokens) - length],
        token_ids=tokens[len(tokens) - length :],
        trained=mask,
        signals={} if numbers is None else {"engine_logprob": scored(numbers, mask)},
        group="" if told.get("group_index") is None else str(told["group_index"]),
        finish="length" if told.get("status") == "truncated" else "stop",
    )


def scored(numbers: Any, mask: list[bool]) -> list[float]:
    """Log-probs of the sampled tokens; what others wrote has a 0 there, which is none."""
    return [float(value) if mark else math.nan for value, mark in zip(numbers, mask, strict=True)]
