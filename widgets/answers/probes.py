"""One problem over the steps of the run, and the rollouts of a probe problem."""

from widgets import board_data
from widgets.answers import Desk, Request, answer
from widgets.payload import pack


@answer("histories", slow=True)  # at first every recorded step is looked at
def histories(desk: Desk, request: Request) -> bytes:
    """The steps at which `problem` was asked, and those of every probe problem, with what came of it."""
    return pack({"kind": "histories", **board_data.histories(desk.data, str(request["problem"]))}, {})


@answer("probe")
def probe(desk: Desk, request: Request) -> bytes:
    """The rollouts of probe problem `group` at `step`, token by token."""
    return board_data.probe(desk.data, int(request["step"]), int(request["group"]))
