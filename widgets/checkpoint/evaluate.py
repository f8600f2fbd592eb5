"""Evaluates checkpoints on held-out problems in a process of its own; results are kept."""

import re
from pathlib import Path
from typing import Any

from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack
from workbench.runs.checkpoints.background import BackgroundEvaluation
from workbench.runs.directory.paths import read_json

RUNNING: dict[
    Path, BackgroundEvaluation
] = {}  # the last evaluation of every run that was started here, shared by its views
SHARES = ("passes", "votes", "weighted", "gains")


@answer("evaluate")
def begin(desk: Desk, request: Request) -> bytes:
    """Evaluates `steps` (None: the last kept) on the first `problems` held-out problems, pass@k for k in `samples`.

    Answers at once. With `base` the model before training as well. ValueError while another evaluation of the
    run is running.
    """
    from workbench.commands.shared.options import numbers

    place = Path(desk.run.path).resolve()
    if place in RUNNING and RUNNING[place].state == "running":
        raise ValueError("this run is being evaluated: wait until that is done, or cancel it")
    steps, samples = list(request["steps"]), numbers(str(request["samples"]))
    if not steps and not request["base"]:
        raise ValueError("no checkpoint is chosen: choose one, or the model before training")
    RUNNING[place] = BackgroundEvaluation(
        desk.run, steps or [0], problems=int(request["problems"]), tries=samples, base=bool(request["base"])
    )
    return state(desk, request)


@answer("evaluation_status")
def state(desk: Desk, request: Request) -> bytes:
    """The progress of the last evaluation that was started here; `verdict` is empty where there was none."""
    found = RUNNING.get(Path(desk.run.path).resolve())
    status = {"verdict": "", "text": "", "step": None, "seconds": 0.0}
    if found is not None:
        status = {"verdict": found.state, "text": found.text, "step": found.step, "seconds": found.seconds}
    return pack({"kind": "evaluation_status", **status}, {})


@answer("evaluation_cancel")
def cancel(desk: Desk, request: Request) -> bytes:
    """Ends the evaluation of the run; finished results are kept."""
    found = RUNNING.get(Path(desk.run.path).resolve())
    if found is not None:
        found.cancel()
    return state(desk, request)


@answer("evaluations")
def kept_evaluations(desk: Desk, request: Request) -> bytes:
    """The results of all evaluations of the run, by step; `unreadable` names the files that hold none."""
    folder = desk.run.directory.check().evaluations
    files = sorted(path for path in folder.glob("eval-step-*.json") if re.fullmatch(r"eval-step-\d+", path.stem))
    found = {path.name: read_json(path) for path in files}
    whole = [shown(document) for document in found.values() if is_result(document)]
    broken = [name for name, document in found.items() if not is_result(document)]
    return pack({"kind": "evaluations", "results": whole, "unreadable": broken}, {})


def is_result(document: Any) -> bool:
    """Whether a file holds what an evaluation writes."""
    return isinstance(document, dict) and {"step", "passes", "tallies"} <= document.keys()


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A result without its problems, as lists by k: JSON's names are texts."""
    shares = {name: by_samples(document.get(name) or {}) for name in SHARES}
    rest = {name: document.get(name) for name in ("step", "temperature", "length", "truncated")}
    unscored = document.get("unscored", document.get("unjudged"))
    return {**rest, **shares, "unscored": unscored, "problems": len(document["tallies"])}


def by_samples(shares: dict[str, Any]) -> list[dict[str, Any]]:
    """Estimates in the order of k."""
    return [{"samples": int(count), **shares[count]} for count in sorted(shares, key=int)]
