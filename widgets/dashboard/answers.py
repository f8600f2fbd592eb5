"""Metrics of a run, commands to it, and the trainer's replies."""

from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack

COMMANDS = ("pause", "resume", "stop", "checkpoint")


@answer("metrics")
def metrics(desk: Desk, request: Request) -> bytes:
    """Every column of the metrics, the events, the index."""
    return desk.data.metrics()


@answer("follow")
def follow(desk: Desk, request: Request) -> bytes:
    """Whether the newest rollouts are to be pushed, `on`."""
    desk.following = bool(request["on"])
    return pack({"kind": "follow"}, {})


@answer("command")
def command(desk: Desk, request: Request) -> bytes:
    """Sends a command to the trainer: `command` is one of `COMMANDS`."""
    wanted = request["command"]
    if wanted not in COMMANDS:
        raise ValueError(f"unknown command {wanted!r}; commands: {', '.join(COMMANDS)}")
    return pack({"kind": "command", **getattr(desk.run, wanted)()}, {})


@answer("set")
def change(desk: Desk, request: Request) -> bytes:
    """Queues new values of live fields, `values`; the trainer applies them at the next step boundary."""
    return pack({"kind": "command", **desk.run.set(**request["values"])}, {})


@answer("outcome")
def outcome(desk: Desk, request: Request) -> bytes:
    """The trainer's reply to command `number`; its `result` is `pending` until there is one."""
    found = desk.run.control.answer(int(request["number"])) or {"result": "pending"}
    reply = {name: found.get(name) for name in ("result", "text", "step")}
    return pack({"kind": "outcome", "number": int(request["number"]), **reply}, {})
