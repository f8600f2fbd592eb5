"""`workbench study`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Runs, err, out, print_json

PLAYS = Path("study.jsonl")


def study(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="a study's TOML file; left out: the one of self-play")
    ] = None,
    plays: Annotated[Path, typer.Option("--plays", help="file of the plays, to which new ones are added")] = PLAYS,
    arms: Annotated[list[str] | None, typer.Option("--arm", help="play only this arm; repeatable")] = None,
    report: Annotated[bool, typer.Option("--report", help="play nothing: show what the plays on record say")] = False,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Train arms from one model at equal cost in tokens over seeds, probe them, and hold them against claims."""
    from workbench.study.plan import PLAN, Plan
    from workbench.study.plays import Plays, play_all
    from workbench.study.report import RULE, arms_table, claims_table
    from workbench.study.report import report as reported

    plan, kept = Plan.load(config or PLAN), Plays(plays)
    unknown = sorted(set(arms or ()) - set(plan.names))
    if unknown:
        raise ValueError(f"--arm {unknown[0]}: the study {plan.name} has {', '.join(plan.names)}")
    if not report:
        play_all(plan, kept, runs, arms=arms or (), told=lambda text: err.print(text, markup=False))
    found: dict[str, Any] = reported(kept.of(plan))
    if as_json:
        print_json({"study": plan.name, "plays": str(plays), **found})
        return
    for text in (arms_table(found["arms"]), "", claims_table(found["claims"]), "", RULE):
        out.print(text, markup=False, soft_wrap=True)
    for each in found["failed"]:
        out.print(f"failed: {each['arm']} seed {each['seed']}: {each['failed']}", markup=False)
