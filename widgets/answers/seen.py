"""What the reader looks at, so that a saved notebook shows that."""

from typing import Protocol

from widgets.answers import Request, answer
from widgets.payload import pack


class Shown(Protocol):
    """A widget that a notebook may be saved with."""

    def see(self, place: Request) -> None:
        """Notes what the reader looks at."""


@answer("seen")
def seen(desk: Shown, request: Request) -> bytes:
    """Notes the `step`, the `group` and the `signal` that are shown."""
    desk.see({"step": int(request["step"]), "group": int(request["group"]), "signal": str(request["signal"])})
    return pack({"kind": "seen"}, {})
