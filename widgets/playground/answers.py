"""The playground: gradient weights of several methods on the tokens of a group, with other rewards if given."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack

if TYPE_CHECKING:
    from widgets.lens.weights import Replays


class Table(Protocol):
    """Where the playground's requests arrive."""

    replays: "Replays"


@answer("method_card", slow=True)
def method_card(desk: Any, request: Request) -> bytes:
    """The card of a method, `entry`: texts, slots, fields with the ends of their sliders."""
    from widgets.lens.fields import card

    return pack({"kind": "method_card", **card(request["entry"])}, {})


@answer("replay", slow=True)
def replay(desk: Table, request: Request) -> bytes:
    """Columns `weight.N` and `advantage.N` over the tokens of `group` of `step` for each of `methods`, by `rewards`.

    A method that fails has an `error` and no columns. ValueError for what was not recorded.
    """
    from widgets.lens.weights import on_policy, readable, table

    step, group = int(request["step"]), int(request["group"])
    rewards = {int(number): float(value) for number, value in request.get("rewards", {}).items()}
    found = [desk.replays.weights(step, group, entry, rewards) for entry in request["methods"]]
    shown = desk.replays.of(step, group)
    columns: dict[str, np.ndarray] = {}
    for place, each in enumerate(found):
        if each.weights is not None and each.advantage is not None:
            columns |= {f"weight.{place}": each.weights, f"advantage.{place}": each.advantage}
    header = {"kind": "replay", "step": step, "group": group, "tokens": int(shown.known.sum())}
    lines = table(found, shown.known)
    return pack({**header, "readable": readable(shown), "on_policy": on_policy(shown), "methods": lines}, columns)
