"""`workbench demo`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from workbench.commands.shared.options import RUNS, AsJson, err, out, print_json


def demo(
    folder: Annotated[Path, typer.Option("--out", help="folder in which the run is made")] = RUNS,
    steps: Annotated[int | None, typer.Option(help="number of steps; the demonstration's own if left out")] = None,
    seed: Annotated[int, typer.Option(help="seed of the run")] = 0,
    real: Annotated[bool, typer.Option("--real", help="a real language model, SmolLM2-135M (make smollm2)")] = False,
    report: Annotated[bool, typer.Option(help="write the HTML report at the end")] = True,
    as_json: AsJson = False,
) -> None:
    """Train the embedded model, or a real one, in the background, watch it learn, and write a report."""
    began = time.time()
    from workbench.commands.shared.plugins import loaded, plugins
    from workbench.commands.shared.progress import watch
    from workbench.runs.demo import demo_config
    from workbench.runs.launch import launch
    from workbench.runs.summary import learned, outcome

    config = demo_config(real).replace(seed=seed)
    if steps is not None:
        config = config.replace(training={"steps": steps})
    run = launch(config, runs=folder)
    console = err if as_json else out
    console.print(f"[bold]{run.name}[/] trains in {run.path}; Ctrl-C detaches, and training continues")
    watch(run, config.training.steps, console)
    result = outcome(run, began)
    if result["state"] != "finished":
        raise ValueError(f"{run.path}: {run.status}")
    if report and "report" in plugins():
        loaded("report")(str(run.path))
    if result["text"]:
        console.print(f"ended early: {result['text']}", markup=False)
    console.print(f"[bold green]{learned(result)}[/]")
    if as_json:
        print_json(result)
