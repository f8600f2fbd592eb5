"""Answers the requests of a page, with the functions that a notebook uses; refuses what is not allowed."""

from collections.abc import Collection
from functools import partial
from typing import Any, Protocol

from tornado.ioloop import IOLoop

from widgets.recorded.folder import RunFolder
from widgets.wire import answers
from widgets.wire.answers import Request
from widgets.wire.asked import answered, refusal, threads
from widgets.wire.payload import pack

AT_ONCE = 4  # slow requests of one page that may wait for their answers


class Screen(Protocol):
    """Where a viewer sees things: one page in one browser."""

    def tell(self, answer: bytes) -> None:
        """Shows an answer, led by the number of its request."""

    def tell_state(self, state: dict[str, Any]) -> None:
        """Shows how the run is doing."""

    @property
    def behind(self) -> bool:
        """Whether much of what was told did not arrive yet."""


class Clerk:
    """Answers one page. `allowed`: the kinds of requests that are answered; None: all there are."""

    def __init__(self, screen: Screen, allowed: Collection[str] | None) -> None:
        self.screen, self.allowed = screen, allowed
        self.waiting = 0  # slow requests

    def reply(self, request: Request) -> None:
        """Answers a request, or says why not; what takes long is answered from a thread."""
        number, kind = int(request["id"]), str(request["kind"])
        refused = self.refused(kind)
        if refused:
            self.send(number, refusal(ValueError(refused)))
        elif answers.slow(kind):
            self.waiting += 1
            self.send(number, pack({"accepted": True}, {}))
            loop = IOLoop.current()
            work = threads().submit(answered, self, request)
            work.add_done_callback(lambda done: loop.add_callback(partial(self.send_slow, number, done.result())))
        else:
            self.send(number, answered(self, request))

    def refused(self, kind: str) -> str:
        """Why a request is not answered; empty where it is."""
        if self.allowed is not None and kind not in self.allowed:
            return f"{kind}: these pages are read-only; to allow this, start workbench serve --control"
        if answers.slow(kind) and self.waiting >= AT_ONCE:
            return f"{kind}: {AT_ONCE} requests of this page are still being processed; wait for their answers"
        return ""

    def send_slow(self, number: int, payload: bytes) -> None:
        """Sends an answer that took its time."""
        self.waiting -= 1
        self.send(number, payload)

    def send(self, number: int, payload: bytes) -> None:
        """Sends an answer, led by the number of its request."""
        self.screen.tell(number.to_bytes(4, "little") + payload)

    def caught_up(self) -> None:
        """The page has taken all it was sent."""

    def leave(self) -> None:
        """The page was closed."""


class Lister(Clerk):
    """Answers a page that lists runs; `runs`, the folder, is read once for all such pages."""

    def __init__(self, runs: RunFolder, screen: Screen) -> None:
        super().__init__(screen, ("runs",))
        self.runs = runs
