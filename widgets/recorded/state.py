"""How a run is doing, for the head of a view: what its files show, and what a person may do about it."""

from pathlib import Path
from typing import Any

STARTABLE = ("stopped", "failed", "dead", "queued")  # verdicts after which a new trainer can go on


def read_state(run: Any) -> dict[str, Any]:
    """Name, verdict, progress and time left of a run; in words what became of one that cannot be read."""
    path = Path(run.path)
    blank = {"name": run.title, "path": str(path), "phase": "", "step": 0, "total": 0, "left": None, "typical": None}
    if not path.is_dir():
        told = f"{path} is gone: it was moved or removed. What is shown here was read before."
        return {**blank, "verdict": "vanished", "text": told, "ended": True, "startable": False}
    try:
        status = run.status
    except (OSError, ValueError, TypeError) as error:
        told = f"the status of {path} cannot be read ({error}); it is looked at again"
        return {**blank, "verdict": "unreadable", "text": told, "ended": False, "startable": False}
    left = None if status.typical is None or status.ended else status.typical * max(0, status.total - status.step)
    return {
        **blank, "verdict": status.verdict, "text": status.text, "phase": status.phase, "step": status.step,
        "total": status.total, "left": left, "typical": status.typical, "ended": status.ended,
        "startable": status.verdict in STARTABLE,
    }  # fmt: skip
