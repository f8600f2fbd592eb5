"""Hands a run's metrics on to TensorBoard, Weights & Biases, MLflow or trackio, through accelerate's trackers.

A tracker reads the run directory like any other viewer: it can begin late, end early or fail, and the trainer does not
notice. Nothing is handed on unless it is asked for by name.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.runs.directory.settings import flat
from workbench.runs.open import Run

#: Tracker -> the packages of which one must be there.
TRACKERS = {
    "tensorboard": ("tensorboardX", "tensorboard"),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "trackio": ("trackio",),
}


def track(run: Run, names: Sequence[str], *, follow: bool = True) -> int:
    """Hands every step on to the named trackers and answers how many steps that were.

    With `follow` it goes on until the run ends. TensorBoard's files lie in the run's `logs/tensorboard/`.
    Raises ValueError for a tracker that is not known or whose package is missing.
    """
    trackers = [start(name, run) for name in checked(names)]
    settings = dict(flat(run.resolved))
    for tracker in trackers:
        tracker.store_init_configuration(settings)
    count = 0
    for line in run.follow() if follow else run.lines():
        values = {name: value for name, value in line.items() if is_number(value) and name not in ("step", "attempt")}
        for tracker in trackers:
            tracker.log(values, step=line["step"])
        count += 1
    for tracker in trackers:
        tracker.finish()
    return count


def track_in_background(run: Run, names: Sequence[str]) -> "subprocess.Popen[bytes]":
    """The same in a process of its own, which ends with the run; what it says lies in `logs/trackers.log`."""
    command = [sys.executable, "-m", "workbench.runs.exchange.trackers", str(run.path), *checked(names)]
    with (run.directory.logs / "trackers.log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def checked(names: Sequence[str]) -> list[str]:
    """The names, each known and installed; one ValueError names what is not."""
    wrong = [f"{name!r} is no tracker" for name in names if name not in TRACKERS]
    for name in names:
        packages = TRACKERS.get(name, ())
        if packages and not any(importlib.util.find_spec(package) for package in packages):
            wrong.append(f"{name} needs a package that is not installed: pip install {packages[0]}")
    if wrong or not names:
        raise ValueError(f"{'; '.join(wrong) or 'no tracker is named'}; there are: {', '.join(TRACKERS)}")
    return list(dict.fromkeys(names))


def start(name: str, run: Run) -> Any:
    """An accelerate tracker for a run."""
    from accelerate.tracking import LOGGER_TYPE_TO_CLASS

    made = LOGGER_TYPE_TO_CLASS[name]
    place = {"logging_dir": str(tensorboard_folder(run))} if made.requires_logging_directory else {}
    tracker = made(run.title.replace("/", "-"), **place)  # a project of Weights & Biases has no slash
    tracker.start()
    return tracker


def tensorboard_folder(run: Run) -> Path:
    """Where TensorBoard's files lie."""
    return run.directory.logs / "tensorboard"


def is_number(value: Any) -> bool:
    """Whether a tracker can draw it."""
    return isinstance(value, int | float) and not isinstance(value, bool)


if __name__ == "__main__":
    from workbench.runs.open import open_run

    track(open_run(Path(sys.argv[1])), sys.argv[2:])
