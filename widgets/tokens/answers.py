"""The groups of a step, the tokens of a group, any method's lens on them, and what the reader sees."""

from typing import Protocol

from widgets.recorded.desk import Desk
from widgets.tokens.search import search
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


@answer("board")
def board(desk: Desk, request: Request) -> bytes:
    """Every group of `step` with its outcomes."""
    return pack(desk.data.board(int(request["step"])), {})


@answer("group")
def group(desk: Desk, request: Request) -> bytes:
    """The rollouts of `group` of `step`, token by token."""
    return desk.data.group(int(request["step"]), int(request["group"]))


@answer("find", slow=True)
def find(desk: Desk, request: Request) -> bytes:
    """The rollouts that contain `text`: of `step`, or of the whole run where that is None."""
    steps = desk.data.steps() if request.get("step") is None else [int(request["step"])]
    return pack({"kind": "find", **search(desk.data, str(request["text"]), steps)}, {})


@answer("methods", slow=True)
def methods(desk: Desk, request: Request) -> bytes:
    """Every method's key, title, what it changes; with a `step` also why its lens cannot be had on `group` there."""
    from widgets.lens.available import obstacle
    from workbench.registry import methods as all_methods  # torch is loaded when a lens is wanted, not before
    from workbench.runs.replay import Replay

    known = sorted(all_methods().items())
    entries = [{"key": key, "title": each.title, "changes": each.changes, "error": ""} for key, each in known]
    if "step" in request:
        step = int(request["step"])
        replay = Replay.of(desk.run, step, int(request["group"]))
        for entry, (_, each) in zip(entries, known, strict=True):
            entry["error"] = obstacle(desk.run, step, each, replay)
    return pack({"kind": "methods", "methods": entries}, {})


@answer("lens", slow=True)
def lens(desk: Desk, request: Request) -> bytes:
    """The gradient weight of the method named by key on every token of `group` of `step`: column `lens`.

    ValueError where a signal that the method reads was not recorded.
    """
    from workbench.registry import find_method
    from workbench.runs.replay import Replay

    step, group, key = int(request["step"]), int(request["group"]), str(request["method"])
    weights = Replay.of(desk.run, step, group).push(find_method(key))
    return pack({"kind": "lens", "method": key}, {"lens": weights})


class Shown(Protocol):
    """A widget that a notebook may be saved with."""

    def see(self, place: Request) -> None:
        """Notes what is shown."""


@answer("seen")
def seen(desk: Shown, request: Request) -> bytes:
    """Notes the `step`, the `group` and the `signal` that are shown."""
    desk.see({"step": int(request["step"]), "group": int(request["group"]), "signal": str(request["signal"])})
    return pack({"kind": "seen"}, {})
