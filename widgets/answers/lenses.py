"""What any method would tell the tokens of a recorded group."""

from widgets.answers import Desk, Request, answer
from widgets.payload import pack


@answer("methods", slow=True)
def methods(desk: Desk, request: Request) -> bytes:
    """Every method's key, title, and what it changes."""
    from workbench.registry import methods as all_methods  # torch is loaded when a lens is wanted, not before

    entries = [
        {"key": key, "title": each.title, "changes": each.changes} for key, each in sorted(all_methods().items())
    ]
    return pack({"kind": "methods", "methods": entries}, {})


@answer("lens", slow=True)
def lens(desk: Desk, request: Request) -> bytes:
    """The push of the method named by key on every token of `group` of `step`: column `lens`.

    ValueError where a signal that the method reads was not recorded.
    """
    from workbench.registry import find_method
    from workbench.runs.replay import Replay

    step, group, key = int(request["step"]), int(request["group"]), str(request["method"])
    push = Replay.of(desk.run, step, group).push(find_method(key))
    return pack({"kind": "lens", "method": key}, {"lens": push})
