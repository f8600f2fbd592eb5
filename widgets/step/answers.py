"""The effect of a step on the tokens it was trained on, and on the tracked problems."""

from widgets.recorded.desk import Desk
from widgets.step import data
from widgets.wire.answers import Request, answer


@answer("step", slow=True)
def step(desk: Desk, request: Request) -> bytes:
    """The rollouts of `step` that were scored again: gradient weights and changes of log-prob."""
    return data.effect(desk.data, int(request["step"]))


@answer("step_probes", slow=True)
def step_probes(desk: Desk, request: Request) -> bytes:
    """The tracked problems before and after the updates of `step`, and the effect on their tokens."""
    return data.probe_effect(desk.data, int(request["step"]))
