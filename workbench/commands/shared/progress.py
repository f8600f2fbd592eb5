"""A run, watched in a terminal: a bar and the numbers that matter. Elsewhere, a line a step."""

from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from workbench.runs.open import Run
from workbench.runs.summary import sentence

BLOCKS = "▁▂▃▄▅▆▇█"


def watch(run: Run, steps: int, console: Console) -> None:
    """Shows a run until it ends."""
    if not console.is_terminal:
        for line in run.follow():
            console.print(sentence(line), markup=False)
        return
    clock = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *clock)
    rewards: list[float] = []
    with Progress(*columns, TextColumn("{task.fields[note]}"), console=console) as bar:
        task = bar.add_task("starting", total=steps, note="")
        for line in run.follow():
            bar.update(task, description=run.status.phase, completed=line["step"], note=note(line, rewards))
        bar.update(task, description=run.status.state)


def note(line: dict[str, Any], rewards: list[float]) -> str:
    """What stands behind the bar; `rewards` gathers the curve."""
    if isinstance(line.get("reward"), int | float):
        rewards.append(line["reward"])
    parts = [f"reward {rewards[-1]:.2f} {curve(rewards)}"] if rewards else []
    if isinstance(line.get("accuracy"), int | float):
        parts.append(f"held out {line['accuracy']:.0%}")
    return "  ".join(parts)


def curve(values: list[float], width: int = 24) -> str:
    """Numbers as a row of blocks, the last `width` of them, from the lowest to the highest.

    >>> curve([0.0, 0.5, 1.0])
    '▁▄█'
    """
    shown = values[-width:]
    low, high = min(shown), max(shown)
    span = (high - low) or 1.0
    return "".join(BLOCKS[int((value - low) / span * (len(BLOCKS) - 1))] for value in shown)
