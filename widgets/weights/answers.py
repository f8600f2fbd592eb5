"""How weights changed between two checkpoints, as a heatmap."""

from widgets.recorded.desk import Desk
from widgets.weights import data
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack
from widgets.wire.sections import section

section("weights/weights", "Weights", "how much of which layer changed between two checkpoints",
        styles=("weights/weights",), asks=True)  # fmt: skip


@answer("weights", slow=True)  # the model before training is loaded
def weights(desk: Desk, request: Request) -> bytes:
    """The changes from step `start` to step `end` (None: the last checkpoint), with `ranks` if asked for."""
    start, end = request["start"], request["end"]
    found = data.changes(
        desk.run, int(start), None if end is None else int(end), ranks=bool(request.get("ranks", True))
    )
    return pack({"kind": "weights", **found}, {})
