"""`workbench traces`."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared import terminal
from workbench.commands.shared.options import RUNS, Name, Runs, numbers


def traces(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="file to write; export/traces.jsonl in the run's folder")] = None,
    steps: Annotated[str | None, typer.Option(metavar="1,4-6", help="which steps; all if left out")] = None,
    runs: Runs = RUNS,
) -> None:
    """Write a run's rollouts as traces.jsonl, the episodes of verifiers (version 1)."""
    from workbench.runs.exchange.write_episodes import write_episodes
    from workbench.runs.summary import find_run

    run = find_run(name, runs)
    path = out or run.path / "export" / "traces.jsonl"

    def told(text: str) -> None:
        terminal.out.print(f"note: {text}", markup=False)

    count = write_episodes(run, path, None if steps is None else numbers(steps), told)
    terminal.out.print(f"{path}: {count} episodes", markup=False)
