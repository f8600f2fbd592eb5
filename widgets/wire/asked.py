"""A widget that answers requests of its views: requests arrive as messages (or through a trait, where there are none),
answers leave through a trait, each preceded by the number of its request."""

import asyncio
import functools
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from widgets.wire import answers
from widgets.wire.answers import Request
from widgets.wire.payload import pack

PUSHED = 0  # the number of an unrequested answer


@functools.cache
def threads() -> ThreadPoolExecutor:
    """Where slow answers are made, one after the other: torch uses every core by itself."""
    return ThreadPoolExecutor(1, "workbench-answers")


def answered(desk: Any, request: Request) -> bytes:
    """The payload that answers a request, or one with the error."""
    try:
        return answers.find(request["kind"]).function(desk, request)
    except Exception as error:  # a run may vanish, a user's method may fail in any way: the view that asked shows it
        return refusal(error)


def refusal(error: Exception) -> bytes:
    """A payload with an error."""
    return pack({"error": error_text(error)}, {})


def error_text(error: Exception) -> str:
    """The text of an error; a ValueError of ours needs no class name."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


class Asked(anywidget.AnyWidget):
    """`answer` is written here and only read by the browser; `request` the other way round."""

    request = t.Dict().tag(sync=True, echo_update=False)
    answer = t.Bytes().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        self.lock = threading.Lock()  # JupyterLab may hand requests to another thread of the kernel
        super().__init__(**traits)
        self.observe(lambda change: self.reply(change["new"]), "request")
        self.on_msg(lambda widget, content, buffers: self.reply(content))

    def reply(self, request: Request) -> None:
        """Answers one request, what takes long from a thread; what cannot be answered is said in words."""
        if not request:
            return
        number = int(request["id"])
        if answers.slow(request["kind"]):
            self.send_answer(number, pack({"accepted": True}, {}))  # the view may send other requests
            self.send_later(number, threads().submit(answered, self, request))
        else:
            self.send_answer(number, answered(self, request))

    def send_later(self, number: int, work: "Future[bytes]") -> None:
        """Sends an answer when it is there, from the kernel's own loop where there is one."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            work.add_done_callback(lambda done: self.send_answer(number, done.result()))
            return
        work.add_done_callback(lambda done: loop.call_soon_threadsafe(self.send_answer, number, done.result()))

    def send_answer(self, number: int, payload: bytes) -> None:
        """Sends an answer, led by the number of its request."""
        with self.lock:
            self.answer = np.array([number], "<u4").tobytes() + payload
