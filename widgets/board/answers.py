"""One problem over the steps of the run, and the rollouts of a tracked problem."""

from widgets.board import data
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


@answer("histories", slow=True)  # at first every recorded step is looked at
def histories(desk: Desk, request: Request) -> bytes:
    """The steps at which `problem` was sampled, and those of every tracked problem, with the outcomes."""
    return pack({"kind": "histories", **data.histories(desk.data, str(request["problem"]))}, {})


@answer("probe")
def probe(desk: Desk, request: Request) -> bytes:
    """The rollouts of tracked problem `group` at `step`, token by token."""
    return data.probe(desk.data, int(request["step"]), int(request["group"]))
