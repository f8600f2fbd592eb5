"""The board of a step, and the tokens of a group."""

from widgets.answers import Desk, Request, answer
from widgets.payload import pack


@answer("board")
def board(desk: Desk, request: Request) -> bytes:
    """Every group of `step` with its outcomes."""
    return pack(desk.data.board(int(request["step"])), {})


@answer("group")
def group(desk: Desk, request: Request) -> bytes:
    """The rollouts of `group` of `step`, token by token."""
    return desk.data.group(int(request["step"]), int(request["group"]))
