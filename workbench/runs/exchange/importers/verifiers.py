"""verifiers' `traces.jsonl`: one episode a line, of an evaluation or of training. Tokens where they were recorded.

Written by verifiers 0.3.1 and later. Episodes of training are put in their step, those of an evaluation in step 0.
The `results.jsonl` of earlier versions is another format and is not read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.runs.exchange.episodes import rollouts_of
from workbench.runs.exchange.foreign import Foreign, Options

FORMAT = "verifiers"
NAMES = ("traces.jsonl", "traces.jsonl.zst", "traces.jsonl.gz")


def files(source: Path) -> list[Path]:
    """The file of a folder, or the file itself; none where there is none."""
    found = [source] if source.is_file() and source.name in NAMES else [source / name for name in NAMES]
    return [path for path in found if path.is_file()][:1]


def watched(source: Path) -> list[Path]:
    """Every file that `read` reads."""
    return files(source)


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    steps: dict[int, list[Foreign]] = {}
    failed = broken = 0
    for path in files(source):
        for step, rollouts, error in options.files.lines(path, converted):
            failed += not rollouts
            broken += error
            steps.setdefault(step, []).extend(rollouts)
    if failed:
        options.notes.append(f"{failed} episodes failed before they had a trace, and are left out")
    if broken:
        options.notes.append(f"{broken} episodes have a trace with an error; its text is as far as it came")
    yield from sorted(steps.items())


def converted(row: dict[str, Any], place: str) -> tuple[int, list[Foreign], bool]:
    """An episode's step and rollouts, and whether one of its traces has an error. ValueError where it is no episode."""
    if "traces" not in row:
        raise ValueError(f"{place}: no episode (it has no traces); give a file of verifiers 0.3.1 on")
    rollouts = rollouts_of(row, place=place)
    return step_of(row), rollouts, any(trace.get("errors") for trace in row["traces"] or [])


def step_of(episode: dict[str, Any]) -> int:
    """The step of an episode of training; 0 of an evaluation's.

    >>> step_of({"run": {"work": {"type": "train", "step": 3}}}), step_of({"run": {"work": {"type": "eval"}}})
    (3, 0)
    """
    work = (episode.get("run") or {}).get("work") or {}
    return int(work.get("step") or 0) if work.get("type") == "train" else 0
