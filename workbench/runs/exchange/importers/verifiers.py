"""verifiers' `traces.jsonl`: one episode a line, of an evaluation or of training. Tokens where they were recorded.

Written by verifiers 0.3.1 and later. Episodes of training are put in their step, those of an evaluation in step 0.
The `results.jsonl` of earlier versions is another format and is not read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.runs.exchange.episodes import rollouts_of
from workbench.runs.exchange.foreign import Foreign, Options
from workbench.runs.exchange.json_lines import objects

FORMAT = "verifiers"
NAMES = ("traces.jsonl", "traces.jsonl.zst", "traces.jsonl.gz")


def files(source: Path) -> list[Path]:
    """The file of a folder, or the file itself; none where there is none."""
    found = [source] if source.is_file() and source.name in NAMES else [source / name for name in NAMES]
    return [path for path in found if path.is_file()][:1]


def read(source: Path, options: Options) -> Iterator[tuple[int, list[Foreign]]]:
    """Every step in order."""
    steps: dict[int, list[Foreign]] = {}
    failed = broken = 0
    for path in files(source):
        for number, episode in objects(path, options.notes):
            if "traces" not in episode:
                raise ValueError(
                    f"{path}, line {number}: no episode (it has no traces); give a file of verifiers 0.3.1 on"
                )
            failed += not episode["traces"]
            broken += any(trace.get("errors") for trace in episode["traces"] or [])
            steps.setdefault(step_of(episode), []).extend(rollouts_of(episode, place=f"{path}, line {number}"))
    if failed:
        options.notes.append(f"{failed} episodes failed before they had a trace, and are left out")
    if broken:
        options.notes.append(f"{broken} episodes have a trace with an error; its text is as far as it came")
    yield from sorted(steps.items())


def step_of(episode: dict[str, Any]) -> int:
    """The step of an episode of training; 0 of an evaluation's.

    >>> step_of({"run": {"work": {"type": "train", "step": 3}}}), step_of({"run": {"work": {"type": "eval"}}})
    (3, 0)
    """
    work = (episode.get("run") or {}).get("work") or {}
    return int(work.get("step") or 0) if work.get("type") == "train" else 0
