"""`workbench show`."""

import time
from typing import Annotated, Any

import typer

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, found, out, print_json


def show(
    name: Name,
    questions: Annotated[
        int | None, typer.Option(help="what rewards asked models in this step instead, and what came back")
    ] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """Show how a run is doing."""
    from workbench.runs.summary import document, sentence

    run = found(name, runs)
    if questions is not None:
        show_questions(run, questions, as_json)
        return
    shown = document(run)
    if as_json:
        print_json(shown)
        return
    out.print(f"[bold]{run.title}[/] {run.status}\n{run.path}")
    for text in shown["warnings"]:
        out.print(f"warning: {text}", markup=False)
    if shown["metrics"]:
        out.print(sentence(shown["metrics"]))
    for item in shown["accuracy"]:
        out.print(f"held out, after step {item['step']}: {item['accuracy']:.1%} correct")
    for event in shown["events"]:
        clock = time.strftime("%H:%M:%S", time.localtime(event.get("time", 0)))
        out.print(f"{clock} {event['kind']}: {event.get('text', '')}", markup=False)
    for note in shown["skipped"]:
        out.print(f"skipped: {note}", markup=False)


def show_questions(run: Any, step: int, as_json: bool) -> None:
    """The questions of a step: who was asked, what, what came back, how long it took."""
    from workbench.runs.directory.replies import questions_of

    lines = questions_of(run.directory, step)
    if as_json:
        print_json({"run": str(run.path), "step": step, "questions": lines})
        return
    out.print(f"{run.title}, step {step}: {len(lines)} questions on record", markup=False)
    for line in lines:
        of = f"rollout {line['rollout']}, " if line.get("rollout") is not None else ""
        took = "on record before" if line["cached"] else f"{line['seconds']:.3f} s"
        out.print(f"\n── {of}{line['of']} ({line['kind']}, {took}), {line['where']}\n{line['asked']}", markup=False)
        more = {name: line[name] for name in ("answer", "choices") if name in line}
        for name, value in more.items():
            out.print(f"{name}: {value}", markup=False)
        out.print(f"→ no reply: {line['fault']}" if line["fault"] else f"→ {line['reply']}", markup=False)
