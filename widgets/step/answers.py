"""What a step did to the tokens it learnt from, and to the probe problems."""

from widgets.recorded.desk import Desk
from widgets.step import data
from widgets.wire.answers import Request, answer


@answer("step", slow=True)
def step(desk: Desk, request: Request) -> bytes:
    """The rollouts of `step` that were scored again: what the update asked of their tokens, and what came of it."""
    return data.effect(desk.data, int(request["step"]))


@answer("step_probes", slow=True)
def step_probes(desk: Desk, request: Request) -> bytes:
    """The probe problems before and after the updates of `step`, and what it did to their tokens."""
    return data.probe_effect(desk.data, int(request["step"]))
