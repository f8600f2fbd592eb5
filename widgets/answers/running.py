"""How a run is doing, and orders to it."""

from widgets.answers import Desk, Request, answer
from widgets.payload import pack

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
