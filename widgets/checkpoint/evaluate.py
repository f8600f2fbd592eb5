"""How good is the model, at several moments? Examined in a process of its own; what was found out is kept."""

import re
from pathlib import Path
from typing import Any

from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack
from workbench.runs.checkpoints.background import Examination
from workbench.runs.directory.paths import read_json

UNDER_WAY: dict[Path, Examination] = {}  # the last one of every run that was asked for here, for all who look at it
SHARES = ("passes", "votes", "weighted", "gains")


@answer("evaluate")
def begin(desk: Desk, request: Request) -> bytes:
    """Examines `steps` (None: the last kept) on the first `problems` held-out problems, pass@k for the `tries`.

    Answers at once. With `base` the model before training as well. ValueError while another examination of the run is
    under way.
    """
    from workbench.commands.shared.options import numbers

    place = Path(desk.run.path).resolve()
    if place in UNDER_WAY and UNDER_WAY[place].verdict == "running":
        raise ValueError("this run is being examined: wait until that is done, or cancel it")
    steps, tries = list(request["steps"]), numbers(str(request["tries"]))
    if not steps and not request["base"]:
        raise ValueError("nobody is examined: choose a checkpoint, or the model before training")
    UNDER_WAY[place] = Examination(
        desk.run, steps or [0], problems=int(request["problems"]), tries=tries, base=bool(request["base"])
    )
    return state(desk, request)


@answer("examination")
def state(desk: Desk, request: Request) -> bytes:
    """How the last examination that was asked for here is doing; `verdict` is empty where there was none."""
    found = UNDER_WAY.get(Path(desk.run.path).resolve())
    told = {"verdict": "", "text": "", "step": None, "seconds": 0.0}
    if found is not None:
        told = {name: getattr(found, name) for name in told}
    return pack({"kind": "examination", **told}, {})


@answer("examination_cancel")
def cancel(desk: Desk, request: Request) -> bytes:
    """Ends the examination of the run; what it found out before is kept."""
    found = UNDER_WAY.get(Path(desk.run.path).resolve())
    if found is not None:
        found.cancel()
    return state(desk, request)


@answer("evaluations")
def kept_evaluations(desk: Desk, request: Request) -> bytes:
    """What all examinations of the run found out, by step; `unreadable` names the files that hold nothing of it."""
    folder = desk.run.directory.check().evaluations
    files = sorted(path for path in folder.glob("eval-step-*.json") if re.fullmatch(r"eval-step-\d+", path.stem))
    found = {path.name: read_json(path) for path in files}
    whole = [shown(document) for document in found.values() if is_result(document)]
    broken = [name for name, document in found.items() if not is_result(document)]
    return pack({"kind": "evaluations", "results": whole, "unreadable": broken}, {})


def is_result(document: Any) -> bool:
    """Whether a file holds what an examination writes."""
    return isinstance(document, dict) and {"step", "passes", "tallies"} <= document.keys()


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """A result without its problems, as lists by k: JSON's names are texts."""
    shares = {name: by_tries(document.get(name) or {}) for name in SHARES}
    rest = {name: document.get(name) for name in ("step", "temperature", "length", "truncated")}
    rest["unscored"] = document.get("unscored", document.get("unjudged"))  # its name in older files
    return {**rest, **shares, "problems": len(document["tallies"])}


def by_tries(shares: dict[str, Any]) -> list[dict[str, Any]]:
    """Estimates in the order of k."""
    return [{"tries": int(tries), **shares[tries]} for tries in sorted(shares, key=int)]
