"""Which moments of a run can be asked, examined and gone on from; how the run itself samples and examines."""

from typing import Any

from widgets.checkpoint import branching, evaluate, fork, prompt
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack

__all__ = ["branching", "evaluate", "fork", "kept_checkpoints", "prompt"]  # importing these registers their answers


@answer("checkpoints")
def kept_checkpoints(desk: Desk, request: Request) -> bytes:
    """The steps of kept checkpoints, 0 (the model before training) first; temperature and held-out problems of the run.

    ValueError where the run has no model, since it was imported.
    """
    from workbench.runs.checkpoints.available import BASE, checkpoints

    directory = desk.run.directory.check()
    config = desk.data.config()
    if "model" not in config:
        raise ValueError(f"{directory.path} names no model: its rollouts were made elsewhere, so nobody can be asked")
    told = {"name": directory.name, "steps": [BASE, *checkpoints(directory)], **own_ways(config)}
    return pack({"kind": "checkpoints", **told}, {})


def own_ways(config: dict[str, Any]) -> dict[str, Any]:
    """How the run samples and examines by itself; None where its config does not say."""
    rollouts, evaluation = config.get("rollouts") or {}, config.get("evaluation") or {}
    return {"temperature": rollouts.get("temperature"), "problems": evaluation.get("problems")}
