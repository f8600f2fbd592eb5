"""What a step did to the tokens it learnt from, and to the probe problems."""

from widgets import step_data
from widgets.answers import Desk, Request, answer


@answer("step", slow=True)
def step(desk: Desk, request: Request) -> bytes:
    """The rollouts of `step` that were scored again: what the update asked of their tokens, and what came of it."""
    return step_data.effect(desk.data, int(request["step"]))


@answer("step_probes", slow=True)
def step_probes(desk: Desk, request: Request) -> bytes:
    """The probe problems before and after the updates of `step`, and what it did to their tokens."""
    return step_data.probe_effect(desk.data, int(request["step"]))
