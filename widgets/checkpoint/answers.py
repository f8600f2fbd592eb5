"""The checkpoints of a run that can be prompted, evaluated and forked, and the run's own sampling settings."""

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
        raise ValueError(f"{directory.path} names no model: its rollouts were imported, so there is no checkpoint")
    header = {"name": directory.name, "steps": [BASE, *checkpoints(directory)], **own_settings(config)}
    return pack({"kind": "checkpoints", **header}, {})


def own_settings(config: dict[str, Any]) -> dict[str, Any]:
    """Temperature and held-out problems of the run; None where its config does not say."""
    rollouts, evaluation = config.get("rollouts") or {}, config.get("evaluation") or {}
    return {"temperature": rollouts.get("temperature"), "problems": evaluation.get("problems")}
