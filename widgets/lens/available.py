"""Which methods' lenses a record can answer, and what stands in the way of the others."""

from typing import Any

from workbench.descriptions import describe
from workbench.method import Method
from workbench.runs.checkpoints.rescore import exact_steps
from workbench.runs.replay import Replay


def obstacle(run: Any, step: int, method: Method, replay: Replay) -> str:
    """Why the lens of a method cannot be computed on a step's rollouts; empty where it can.

    Only methods with a missing signal are tried: some read it where it is there and do without it where not.
    """
    missing = [name for name in sorted(method.needs) if name not in replay.batch]
    if not missing:
        return ""
    try:
        replay.push(method)
    except (ValueError, RuntimeError):
        return missing_text(run, step, missing)
    return ""


def missing_text(run: Any, step: int, missing: list[str]) -> str:
    """What was not recorded, and how it can be added, or that it cannot."""
    labels = " and ".join(dict.fromkeys(describe(name.partition("@")[0].partition(":")[0]).label for name in missing))
    if all(can_be_added(run, step, name) for name in missing):
        added = " ".join(f"--add {name}" for name in missing)
        return f"needs {labels}, not recorded; add it with: workbench signals {run.path} {added}"
    return f"needs {labels}, which this run did not record and no kept checkpoint gives exactly"


def can_be_added(run: Any, step: int, name: str) -> bool:
    """Whether a signal of the step can be read again from a kept model."""
    try:
        return step in exact_steps(run, name)
    except (ValueError, OSError):  # it comes from no model, or its checkpoints cannot be listed
        return False
