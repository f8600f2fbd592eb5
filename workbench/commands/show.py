"""`workbench show`."""

import time

from workbench.commands.shared.options import RUNS, AsJson, Name, Runs, found, out, print_json


def show(name: Name, runs: Runs = RUNS, as_json: AsJson = False) -> None:
    """Show how a run is doing."""
    from workbench.runs.summary import document, sentence

    run = found(name, runs)
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
