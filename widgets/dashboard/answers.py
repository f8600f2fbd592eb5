"""How a run is doing, commands to it, and what the trainer replied."""

from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack

ORDERS = ("pause", "resume", "stop", "checkpoint")


@answer("metrics")
def metrics(desk: Desk, request: Request) -> bytes:
    """Every column of the metrics, the events, the index."""
    return desk.data.metrics()


@answer("follow")
def follow(desk: Desk, request: Request) -> bytes:
    """Whether the newest rollouts are to be pushed, `on`."""
    desk.following = bool(request["on"])
    return pack({"kind": "follow"}, {})


@answer("order")
def order(desk: Desk, request: Request) -> bytes:
    """Sends an order to the trainer: `order` is one of `ORDERS`."""
    wanted = request["order"]
    if wanted not in ORDERS:
        raise ValueError(f"order {wanted!r} is not known; there are {', '.join(ORDERS)}")
    return pack({"kind": "order", **getattr(desk.run, wanted)()}, {})


@answer("set")
def change(desk: Desk, request: Request) -> bytes:
    """Orders new values of live fields, `values`; the trainer answers at the next step border."""
    return pack({"kind": "order", **desk.run.set(**request["values"])}, {})


@answer("outcome")
def outcome(desk: Desk, request: Request) -> bytes:
    """What the trainer answered to the order `number`: its `result` is `pending` while it has not."""
    found = desk.run.control.answer(int(request["number"])) or {"result": "pending"}
    told = {name: found.get(name) for name in ("result", "text", "step")}
    return pack({"kind": "outcome", "number": int(request["number"]), **told}, {})
