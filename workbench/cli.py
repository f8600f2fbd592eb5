"""The `workbench` command. It starts fast: what is heavy is imported by the commands that need it."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from workbench.runs.plugins import Commands, plugins

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    help="Reinforcement learning with verifiable rewards, seen token by token.",
)
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document as the last line")]
Runs = Annotated[Path, typer.Option("--runs", help="folder of the runs")]
Name = Annotated[str, typer.Argument(metavar="RUN", help="a run's name in the folder of runs, or its path")]
Wait = Annotated[float, typer.Option("--wait", help="seconds to wait for the trainer's answer")]
Follow = Annotated[bool, typer.Option("--follow", help="print the steps until the run ends")]
RUNS = Path("runs")


def print_json(document: Any) -> None:
    """One JSON document on one line, the last one."""
    from workbench.runs.directory import plain

    print(json.dumps(plain(document), ensure_ascii=False), flush=True)


def found(name: str, runs: Path) -> Any:
    """The run a user means."""
    from workbench.runs.summary import find_run

    return find_run(name, runs)


# ------------------------------------------------------------------------------------- starting runs


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--out", help="folder in which the run is made")] = RUNS,
    steps: Annotated[int | None, typer.Option(help="steps, if not as many as the demonstration has")] = None,
    seed: Annotated[int, typer.Option(help="seed of the run")] = 0,
    report: Annotated[bool, typer.Option(help="write the HTML report at the end")] = True,
    as_json: AsJson = False,
) -> None:
    """Train the embedded model in the background, watch it learn, and write a report."""
    began = time.time()
    from workbench.runs.demo import demo_config
    from workbench.runs.launch import launch
    from workbench.runs.progress import watch
    from workbench.runs.summary import learned, outcome

    config = demo_config().replace(seed=seed)
    if steps is not None:
        config = config.replace(training={"steps": steps})
    run = launch(config, runs=folder)
    console = err if as_json else out
    console.print(f"[bold]{run.name}[/] learns in {run.path}; Ctrl-C leaves it to itself")
    watch(run, config.training.steps, console)
    result = outcome(run, began)
    if result["verdict"] != "finished":
        raise ValueError(f"{run.path}: {run.status}")
    if report and "report" in plugins():
        app(["report", str(run.path)], standalone_mode=False)
    console.print(f"[bold green]{learned(result)}[/]")
    if as_json:
        print_json(result)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="what to run")],
    runs: Runs = RUNS,
    seeds: Annotated[int | None, typer.Option(help="run the config under so many seeds, as an experiment")] = None,
    jobs: Annotated[int, typer.Option(help="runs of an experiment side by side")] = 1,
    watch: Follow = False,
) -> None:
    """Start a run in the background."""
    from workbench.runs.launch import launch, warned

    started = launch(config, runs=runs, seeds=seeds, jobs=jobs)
    out.print(f"started {started.path}")
    for text in warned(config):
        out.print(f"warning: {text}", markup=False)
    if watch and seeds is None:
        follow_run(started)
    elif seeds is None:
        out.print(f"watch it with: workbench follow {started.path}")


# ------------------------------------------------------------------------------------------- looking


@app.command("ls")
def list_runs(
    folder: Annotated[Path | None, typer.Argument(metavar="[RUNS_DIR]", help="the same as --runs")] = None,
    runs: Runs = RUNS,
    as_json: AsJson = False,
) -> None:
    """List the runs in a folder."""
    from workbench.runs.summary import find_runs, row

    if folder not in (None, runs) and runs != RUNS:
        raise ValueError(f"{folder} and --runs {runs} were given: give one folder")
    runs = folder or runs
    rows = [row(run) for run in find_runs(runs)]
    if as_json:
        print_json({"runs": rows})
        return
    table = Table("run", "is", "step", "reward", "accuracy", "last sign of life", box=None)
    for item in rows:
        numbers = ["" if item[name] is None else f"{item[name]:.3f}" for name in ("reward", "accuracy")]
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(item["time"])) if item["time"] else ""
        step = "" if item["step"] is None else f"{item['step']}/{item['total']}"
        table.add_row(str(Path(item["path"]).relative_to(runs)), item["verdict"], step, *numbers, when)
    out.print(table if rows else f"no runs in {runs}; start one with: workbench demo")
    for item in rows:
        for text in item["warnings"]:
            out.print(f"{Path(item['path']).relative_to(runs)}: {text}", markup=False)


@app.command()
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
        out.print(f"held out, after step {item['step']}: {item['accuracy']:.1%} right")
    for event in shown["events"]:
        clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
        out.print(f"{clock} {event['kind']}: {event['text']}", markup=False)
    for note in shown["passed_over"]:
        out.print(f"passed over: {note}", markup=False)


@app.command()
def follow(name: Name, runs: Runs = RUNS) -> None:
    """Print every step of a run as it comes, until the run ends; Ctrl-C does not touch the run."""
    follow_run(found(name, runs))


def follow_run(run: Any) -> None:
    """Prints steps until the run ends."""
    from workbench.runs.summary import sentence

    for line in run.follow():
        out.print(sentence(line), markup=False)
    out.print(str(run.status), markup=False)


# -------------------------------------------------------------------------------------------- orders


def order(name: str, runs: Path, command: str, wait: float, **values: Any) -> Any:
    """Gives an order and says what came of it; answers the run."""
    run = found(name, runs)
    try:
        answer = getattr(run, command)(wait=wait, **values)
    except TimeoutError:
        out.print(f"{run.title}: {command} is ordered; it is followed when the step under way is done")
    else:
        out.print(f"{run.title}: {answer['text'] or command + ' is ordered'}", markup=False)
    return run


@app.command()
def pause(name: Name, runs: Runs = RUNS, wait: Wait = 10.0) -> None:
    """Pause a run after the step under way."""
    order(name, runs, "pause", wait)


@app.command()
def resume(name: Name, runs: Runs = RUNS, wait: Wait = 10.0, watch: Follow = False) -> None:
    """Go on with a run that is paused, stopped or dead."""
    run = order(name, runs, "resume", wait)
    if watch:
        follow_run(run)


@app.command()
def stop(name: Name, runs: Runs = RUNS, wait: Wait = 10.0) -> None:
    """Stop a run after the step under way; `resume` goes on from there."""
    order(name, runs, "stop", wait)


@app.command()
def checkpoint(name: Name, runs: Runs = RUNS, wait: Wait = 10.0) -> None:
    """Keep a checkpoint of a run's present state."""
    order(name, runs, "checkpoint", wait)


@app.command("set")
def set_values(
    name: Name,
    values: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="as in learning_rate=1e-4")],
    runs: Runs = RUNS,
    wait: Wait = 10.0,
) -> None:
    """Change live fields of a run from its next step on."""
    pairs = dict(parsed(text) for text in values)
    order(name, runs, "set", wait, **pairs)


def parsed(text: str) -> tuple[str, float]:
    """A field and its number, from `FIELD=VALUE`."""
    field, equals, value = text.partition("=")
    try:
        return field.strip(), float(value)
    except ValueError:
        missing = "" if equals else " has no '='"
        raise ValueError(f"{text!r}{missing}: write FIELD=NUMBER, as in learning_rate=1e-4") from None


# ----------------------------------------------------------------------------------- what there is


@app.command()
def methods(
    check: Annotated[bool, typer.Option("--check", help="look for mistakes; fails if there are any")] = False,
    as_json: AsJson = False,
) -> None:
    """List the methods."""
    from workbench.runs.catalogue import catalogue, cautions, faults

    entries, wrong = catalogue(), faults() if check else []
    if as_json:
        print_json({"methods": entries, **({"faults": wrong} if check else {})})
    else:
        table = Table("key", "title", "paper", "against GRPO", box=None)
        for entry in entries:
            table.add_row(entry["key"], entry["title"], entry["paper"], entry["changes"])
        out.print(table)
        for text in wrong:
            out.print(f"wrong: {text}", markup=False)
        for text in cautions() if check else []:
            out.print(f"warning: {text}", markup=False)
    if wrong:
        raise typer.Exit(1)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine can do, and what to install for the rest."""
    from workbench.runs.doctor import doctor as examine
    from workbench.runs.doctor import told

    result = examine()
    if as_json:
        print_json(result)
        return
    for text in told(result):
        out.print(text, markup=False)


def main() -> None:
    """Runs the command line; what a user got wrong is told in one message, exit code 2."""
    from workbench.runs.directory import DiskFullError

    try:
        app()
    except KeyboardInterrupt:
        err.print("left; a run that was started goes on by itself")
        sys.exit(130)
    except (ValueError, TimeoutError, DiskFullError) as error:
        err.print("[red]workbench:[/] ", end="")
        err.print(str(error), markup=False)
        sys.exit(2)
