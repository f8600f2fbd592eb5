"""Changes while the run goes on, and what the trainer answered to an order."""

from widgets.answers import Desk, Request, answer
from widgets.payload import pack


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
