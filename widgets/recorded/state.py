"""The state of a run for the head of a view, and whether it can be resumed."""

from pathlib import Path
from typing import Any

STARTABLE = ("stopped", "failed", "dead", "queued")  # states from which a new trainer can resume


def read_state(run: Any) -> dict[str, Any]:
    """Name, state, progress and time left of a run; an error text for one that cannot be read."""
    path = Path(run.path)
    blank = {"name": run.title, "path": str(path), "phase": "", "step": 0, "total": 0, "left": None, "typical": None}
    if not path.is_dir():
        text = f"{path} is missing: it was moved or removed. The data shown here was read before."
        return {**blank, "verdict": "vanished", "text": text, "ended": True, "startable": False}
    try:
        status = run.status
    except (OSError, ValueError, TypeError) as error:
        text = f"the status of {path} cannot be read ({error}); retrying"
        return {**blank, "verdict": "unreadable", "text": text, "ended": False, "startable": False}
    left = None if status.typical is None or status.ended else status.typical * max(0, status.total - status.step)
    return {
        **blank, "verdict": status.state, "text": status.text, "phase": status.phase, "step": status.step,
        "total": status.total, "left": left, "typical": status.typical, "ended": status.ended,
        "startable": status.state in STARTABLE,
    }  # fmt: skip
