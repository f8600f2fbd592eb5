"""Slow questions asked beside the notebook: a moment after the last change, one at a time, the newest one only."""

import asyncio
from collections.abc import Callable
from typing import Any

DELAY = 0.4  # seconds without a further change


class Background:
    """Asks `work` in a thread and hands its answer to `show` in the kernel's own loop.

    Handlers may run in another thread of the kernel, so the loop is the one this was made in; a plain script has none,
    and is answered at once. What `work` raises is told to `fail` in words: it may be anybody's piece that does.
    """

    def __init__(self, work: Callable[[Any], Any], show: Callable[[Any], None], fail: Callable[[str], None]) -> None:
        self.work, self.show, self.fail = work, show, fail
        self.waiting: list[Any] = []  # the newest question, if it was not begun
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[None] | None = None
        try:
            self.loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:  # a plain script has no loop
            self.loop = None

    def ask(self, question: Any) -> None:
        """Asks in a moment, unless another question comes before."""
        if self.loop is None:
            self.deliver(*self.outcome(question))
        else:
            self.waiting = [question]
            self.loop.call_soon_threadsafe(self.wind)

    def wind(self) -> None:
        """Starts the wait anew."""
        if self.timer is not None and self.loop is not None:
            self.timer.cancel()
        if self.loop is not None:
            self.timer = self.loop.call_later(DELAY, self.begin)

    def begin(self) -> None:
        """Starts to work, if nobody is at it: who is takes up what waits."""
        if self.loop is not None and (self.task is None or self.task.done()):
            self.task = self.loop.create_task(self.answer())

    async def answer(self) -> None:
        """Works until nothing waits; an answer that came too late is not shown."""
        while self.waiting:
            outcome = await asyncio.to_thread(self.outcome, self.waiting.pop())
            if not self.waiting:
                self.deliver(*outcome)

    def outcome(self, question: Any) -> tuple[Callable[[Any], None], Any]:
        """Who is told what."""
        try:
            return self.show, self.work(question)
        except Exception as error:  # a piece, a task or a model of anybody's; shown in place
            return self.fail, f"{type(error).__name__}: {error}"

    def deliver(self, told: Callable[[Any], None], answer: Any) -> None:
        """Tells it."""
        told(answer)

    def close(self) -> None:
        """Asks nothing more."""
        self.waiting = []
        for each in (self.timer, self.task):
            if each is not None:
                each.cancel()
