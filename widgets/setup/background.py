"""Slow questions asked beside the notebook: a moment after the last change; the newest is the only one that counts."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from widgets.wire.asked import error_text

DELAY = 0.4  # seconds without a further change
THREADS = 4  # a question that nobody waits for any more may hang for long, as one to a network that is down

Told = tuple[Callable[[Any], None], Any]  # who is told, and what


class Background:
    """Asks `work` in a thread and hands its answer to `show` in the kernel's own loop, unless a newer question came.

    Handlers may run in another thread of the kernel, so the loop is the one this was made in; a plain script has none,
    and is answered at once. What `work` raises is told to `fail` in words: it may be anybody's piece that does.
    """

    def __init__(self, work: Callable[[Any], Any], show: Callable[[Any], None], fail: Callable[[str], None]) -> None:
        self.work, self.show, self.fail = work, show, fail
        self.timer: asyncio.TimerHandle | None = None
        self.newest: asyncio.Future[Told] | None = None
        self.threads = ThreadPoolExecutor(THREADS, "workbench-setup")
        try:
            self.loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:  # a plain script has no loop
            self.loop = None

    def ask(self, question: Any) -> None:
        """Asks in a moment, unless another question comes before."""
        if self.loop is None:
            told, answer = self.outcome(question)
            told(answer)
        else:
            self.loop.call_soon_threadsafe(self.wind, self.loop, question)

    def wind(self, loop: asyncio.AbstractEventLoop, question: Any) -> None:
        """Starts the wait anew; what was asked before counts no more."""
        self.drop()
        self.timer = loop.call_later(DELAY, self.begin, loop, question)

    def begin(self, loop: asyncio.AbstractEventLoop, question: Any) -> None:
        """Starts to work."""
        self.newest = loop.run_in_executor(self.threads, self.outcome, question)
        self.newest.add_done_callback(self.deliver)

    def outcome(self, question: Any) -> Told:
        """Who is told what."""
        try:
            return self.show, self.work(question)
        except Exception as error:  # a piece, a task or a model of anybody's; shown in place
            return self.fail, error_text(error)

    def deliver(self, done: "asyncio.Future[Told]") -> None:
        """Tells an answer, unless it was dropped."""
        if not done.cancelled():
            told, answer = done.result()
            told(answer)

    def drop(self) -> None:
        """Forgets what was asked: a question that was not begun never is, the answer to any other is not told."""
        for each in (self.timer, self.newest):
            if each is not None:
                each.cancel()
        self.timer = self.newest = None

    def close(self) -> None:
        """Asks nothing more."""
        self.drop()
        self.threads.shutdown(wait=False)
