"""prime-rl's records in its three layouts: token exports, and traces as they lay until and since September 2026.

`token_exports/step_3/rank_0.jsonl`: one sequence a line with its tokens' numbers, no text; a step is whole once its
folder holds a file `STABLE`. `rollouts/step_3/train/all/traces.jsonl`: episodes by step.
`monitors/file/traces/stream/00000.jsonl[.zst]`: episodes as they came, with `annotations/PRODUCER/00000.jsonl` beside
`stream`, of which the newest counts; they tell the step in which a trace was trained on.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from workbench.runs.exchange.episodes import ALIGNED, check_version, rollouts_of
from workbench.runs.exchange.files import placed
from workbench.runs.exchange.foreign import Foreign, Options

FORMAT = "prime-rl"
PATTERN = re.compile(r"step_(\d+)")
#: Columns of the run directory and what they are called in a token export.
SIGNALS = {
    "advantage": "advantages",
    "logprob": "trainer_logprobs",
    "engine_logprob": "inference_logprobs",
    "entropy": "entropy",
}
TRACES = ("monitors/file/traces", "file/traces", "traces", ".")  # where `stream` may lie below the folder that is given


def files(source: Path) -> list[Path]:
    """The files of the newest layout that is there; none where the folder holds no such files."""
    exports = [path for paths in export_files(source).values() for path in paths]
    return exports or [path for paths in step_files(source).values() for path in paths] or stream_files(source)


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every whole step in order."""
    if exports := export_files(source):
        for step, ranks in sorted(exports.items()):
            yield step, [each for path in ranks for each in options.files.lines(path, sequence)]
    elif steps := step_files(source):
        for step, paths in sorted(steps.items()):
            yield step, [each for row in episodes(paths, options) for each in rollouts_of(row, place=place_of(row))]
    else:
        yield from stream_steps(source, options)


def numbered(folders: Sequence[Path]) -> Iterator[tuple[int, Path]]:
    """The folders `step_N` of some folders with their numbers."""
    for folder in folders:
        for path in sorted(folder.glob("step_*")):
            match = PATTERN.fullmatch(path.name)
            if match:
                yield int(match[1]), path


# ------------------------------------------------------------------------------------------- token exports


def export_files(source: Path) -> dict[int, list[Path]]:
    """The files of every whole step of a token export."""
    found = {}
    for step, path in numbered([source, source / "token_exports"]):
        ranks = sorted(path.glob("rank_*.jsonl"))
        if ranks and (path / "STABLE").exists():
            found[step] = ranks
    return found


def sequence(row: dict[str, Any], place: str) -> Foreign:
    """One sequence of a token export, parted into prompt and answer: the prompt ends before the first trained token."""
    missing = [name for name in ("token_ids", "loss_mask") if not isinstance(row.get(name), list)]
    if missing:
        raise ValueError(f"{place} has no field {missing[0]}; give the token_exports folder that prime-rl wrote")
    ids, trained = row["token_ids"], [bool(mark) for mark in row["loss_mask"]]
    for name in ("loss_mask", *SIGNALS.values()):
        if row.get(name) is not None and len(row[name]) != len(ids):
            raise ValueError(f"{place}: {name} has {len(row[name])} entries for {len(ids)} tokens; copy the file again")
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


# -------------------------------------------------------------------------------------------------- traces


def step_files(source: Path) -> dict[int, list[Path]]:
    """The trace files of every step: all episodes where they are there, else those that were trained on."""
    found = {}
    for step, path in numbered([source, source / "rollouts"]):
        paths = [path / "train" / kind / "traces.jsonl" for kind in ("all", "effective")]
        there = [each for each in paths if each.is_file()]
        if there:
            found[step] = there[:1]
    return found


def stream_files(source: Path) -> list[Path]:
    """The chunks of a stream of episodes."""
    for place in TRACES:
        found = [path for path in sorted((source / place / "stream").glob("*.jsonl*")) if path.stem[:1].isdigit()]
        if found:
            return found
    return []


def episodes(paths: Sequence[Path], options: Options) -> Iterator[dict[str, Any]]:
    """Episodes of some files, each once."""
    seen = set[str]()
    for path in paths:
        for place, row in options.files.lines(path, placed):
            key = str(row.get("id", place))
            if key not in seen:
                seen.add(key)
                yield row


def place_of(episode: Mapping[str, Any]) -> str:
    """An episode for a message."""
    return f"episode {episode.get('id')}"


def stream_steps(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """The traces that were trained on, by the step that they were shipped in."""
    chunks = stream_files(source)
    notes = annotations(chunks[0].parent.parent / "annotations", options)
    steps: dict[int, list[Foreign]] = {}
    left = 0
    for row in episodes(chunks, options):
        for trace in row.get("traces") or []:
            name = str(trace.get("id"))
            note = notes.get(name, {})
            step = (note.get("info", {}).get("ship") or {}).get("step")
            if step is None:
                left += 1
                continue
            made = partial(rollouts_of, {**row, "traces": [trace]}, note, place_of(row))
            steps.setdefault(int(step), []).extend(options.files.once(name, note["rows"], made))
    if left:
        options.notes.append(f"{left} traces were not trained on (no step is annotated) and are left out")
    yield from sorted(steps.items())


def watched(source: Path) -> list[Path]:
    """Every file that `read` reads."""
    found = files(source)
    notes = sorted((found[0].parent.parent / "annotations").glob("*/*.jsonl*")) if stream_files(source) else []
    return found + notes


def annotations(folder: Path, options: Options) -> dict[str, dict[str, Any]]:
    """What was annotated of every trace: `info`, and signals over whole branches; of several the newest counts.

    `rows`: how many annotations that were.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*/*.jsonl*")):
        for place, row in options.files.lines(path, placed):
            check_version(row, place, "annotation")
            note = found.setdefault(str(row.get("trace_id")), {"info": {}, "branches": {}, "rows": 0})
            note["rows"] += 1
            note["info"] |= row.get("info") or {}
            for branch in row.get("branches") or []:
                own: Mapping[str, Any] = {name: branch[name] for name in ALIGNED if branch.get(name) is not None}
                note["branches"].setdefault(int(branch.get("index", 0)), {}).update(own)
    return found
