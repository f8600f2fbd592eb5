"""`workbench sweep`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Runs, out, print_json


def sweep(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="a config with a table [sweep]")],
    plan: Annotated[bool, typer.Option("--plan", help="start nothing: forecast memory and disk of the whole")] = False,
    timed: Annotated[bool, typer.Option("--measure", help="with --plan: measure a few steps of every arm")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="stop its plays after their step; they can be resumed")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="wait until the sweep ends, and show how")] = False,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Start a sweep of a config over axes and seeds in the background, or continue it; finished plays stay."""
    from workbench.runs.sweep.launch import launch_experiment
    from workbench.runs.sweep.opened import Sweep
    from workbench.runs.sweep.plan import read_plan

    if timed and not plan:
        raise ValueError("--measure belongs to --plan: give both, or none to start the sweep")
    if plan:
        show_plan(config, runs, timed=timed, as_json=as_json)
        return
    if stop:
        found = Sweep(runs / read_plan(config).config.name)
        found.stop()
        out.print(f"{found.path}: no play is started any more; those that train stop after their step")
        return
    started = launch_experiment(config, runs=runs)
    if follow:
        started.wait_for_queue()
    if as_json:
        print_json(started.document())
    else:
        show(started, config)


def show_plan(config: Path, runs: Path, *, timed: bool, as_json: bool) -> None:
    """Prints the forecast; ends with code 1 where it does not fit."""
    from workbench.runs.process.measure import SECONDS
    from workbench.runs.sweep.forecast import forecast_sweep
    from workbench.runs.sweep.plan import check_arms, read_plan

    read = read_plan(config)
    check_arms(read)
    found = forecast_sweep(read, runs, timed=SECONDS if timed else None)
    if as_json:
        print_json(found.to_dict())
    else:
        out.print("\n".join(found.describe()), markup=False)
    if "does not fit" in (found.fit, *(arm.fit for arm in found.arms)):
        raise typer.Exit(1)


def show(started: Any, config: Path) -> None:
    """Prints where every play stands, each reason once, and what to do next."""
    rows, ended = started.rows(), started.ended
    for row in rows:
        out.print(f"{row['state']:9} {row['step']:>6}/{row['total']}  {row['play']}", markup=False)
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["why"]:
            reasons.setdefault(row["why"], []).append(row["play"])
    for why, plays in reasons.items():
        more = f" and {len(plays) - 1} more" if len(plays) > 1 else ""
        out.print(f"{plays[0]}{more}: {why}", markup=False)
    if ended:
        out.print(f"ended early: {ended}", markup=False)
    out.print(f"where it stands, or to continue it: workbench sweep {config} --follow", markup=False)
    out.print(f"to compare: workbench compare --runs {started.path} --by FIELD", markup=False)
