"""When a run ends before its last step: at a held-out accuracy, or after so many seconds of steps."""

from collections.abc import Mapping

from workbench.sections import TrainingSection
from workbench.types import State

STOPPING = "stopping"  # among the trainer's states: the seconds spent, and why the run ends once it does


def out_of_time(training: TrainingSection, state: State) -> bool:
    """Whether the steps taken so far used up `training.max_seconds`."""
    return training.max_seconds is not None and state.get("seconds", 0.0) >= training.max_seconds


def reason(training: TrainingSection, step: int, metrics: Mapping[str, float], late: bool) -> str:
    """Why the run ends after this step; empty where it continues. `late`: its time was used up before the step.

    >>> reason(TrainingSection(steps=9, target_accuracy=0.9), 3, {"accuracy": 0.95}, False)
    'held-out accuracy 95.0 % reached training.target_accuracy = 90.0 %'
    """
    target, accuracy = training.target_accuracy, metrics.get("accuracy", 0.0)
    if target is not None and accuracy >= target:
        return f"held-out accuracy {accuracy:.1%} reached training.target_accuracy = {target:.1%}".replace("%", " %")
    if step == training.steps:
        return f"all {step} steps"
    return f"training.max_seconds = {training.max_seconds:g} used up, after {step} steps" if late else ""


def after(training: TrainingSection, state: State, seconds: float, ends: str) -> State:
    """The state after a step that took `seconds`; seconds are counted only where they matter, for exact resumes."""
    counted = {} if training.max_seconds is None else {"seconds": state.get("seconds", 0.0) + seconds}
    return {**counted, **({"ends": ends} if ends else {})}
