"""A run in a notebook cell: how it is doing, its curves, its tokens, and orders to it, while it goes on elsewhere.

The browser asks by message (or through `request`, where there are no messages) and is answered through `answer`; news
of a live run is pushed the same way. One poller in the kernel looks at the run directory; the trainer knows nothing
of it.
"""

import asyncio
import threading
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from widgets import bundle, still
from widgets.data import RunData, first_choice
from widgets.payload import pack
from workbench.runs.open import open_run

LIVE, IDLE = 0.25, 1.0  # seconds between two looks at a run that goes on, and at one that does not
ORDERS = ("pause", "resume", "stop", "checkpoint")
PUSHED = 0  # the number of an answer that nobody asked for


class Dashboard(anywidget.AnyWidget):
    """Curves and tokens of a run, live. `run`: what `launch` or `open_run` answered, or the path of a run.

    `state`, `answer` are written here and only read by the browser; `request` the other way round. `shown` says
    which parts are drawn. Nothing large is kept: rollouts are read from disk when a view asks for them.
    """

    _esm = bundle.script("dashboard")
    _css = bundle.styles("token_view", "charts", "dashboard")
    state = t.Dict().tag(sync=True)
    shown = t.Dict().tag(sync=True)
    request = t.Dict().tag(sync=True, echo_update=False)
    answer = t.Bytes().tag(sync=True)
    following = t.Bool(True).tag(sync=True)  # the newest rollouts are pushed to the views

    poller: "asyncio.Task[None] | None" = None

    def __init__(self, run: Any) -> None:
        self.run = open_run(run) if isinstance(run, str | Path) else run
        self.data = RunData(self.run)
        self.lock = threading.Lock()  # JupyterLab may hand requests to another thread of the kernel
        self.seen: tuple[Any, ...] = ()
        self.pushed_step = -1
        super().__init__(state=self.read_state(), shown=self.parts())
        self.observe(lambda change: self.reply(change["new"]), "request")
        self.on_msg(lambda widget, content, buffers: self.reply(content))
        self.poller = self.start()

    def parts(self) -> dict[str, Any]:
        """What the views draw."""
        return {"head": True, "curves": True, "step": None}

    # ------------------------------------------------------------------ answers

    def reply(self, request: dict[str, Any]) -> None:
        """Answers one request; what cannot be answered is said in words."""
        if not request:
            return
        try:
            payload = self.payload(request)
        except (ValueError, OSError, KeyError) as error:  # shown in place, in the view that asked
            payload = pack({"error": f"{error}"}, {})
        self.send_answer(int(request["id"]), payload)

    def send_answer(self, number: int, payload: bytes) -> None:
        """Sends an answer, led by the number of its request."""
        with self.lock:
            self.answer = np.array([number], "<u4").tobytes() + payload

    def payload(self, request: dict[str, Any]) -> bytes:
        """What a request asks for: metrics, a board, a group, or an order to the run."""
        kind = request["kind"]
        if kind == "metrics":
            return self.data.metrics()
        if kind == "board":
            return pack(self.data.board(int(request["step"])), {})
        if kind == "group":
            return self.data.group(int(request["step"]), int(request["group"]))
        if kind == "follow":
            self.following = bool(request["on"])
            return pack({"kind": "follow"}, {})
        if kind == "order" and request["order"] in ORDERS:
            return pack({"kind": "order", **getattr(self.run, request["order"])()}, {})
        raise ValueError(
            f"request {kind!r} is not known; there are metrics, board, group, follow and order ({', '.join(ORDERS)})"
        )

    # ------------------------------------------------------------------ news

    def read_state(self) -> dict[str, Any]:
        """How the run is doing, for the head of the view."""
        status = self.run.status
        left = None if status.typical is None else status.typical * max(0, status.total - status.step)
        return {
            "name": self.data.path.name, "verdict": status.verdict, "text": status.text, "phase": status.phase,
            "step": status.step, "total": status.total, "left": None if status.ended else left, "ended": status.ended,
        }  # fmt: skip

    def start(self) -> "asyncio.Task[None] | None":
        """The poller, where an event loop runs (in a notebook's kernel); elsewhere call `poll`."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a plain script has no loop
            return None
        return loop.create_task(self.follow())

    async def follow(self) -> None:
        """Looks at the run until the widget is closed."""
        while self.comm is not None:
            self.poll()
            await asyncio.sleep(IDLE if self.state["ended"] else LIVE)

    async def finished(self) -> str:
        """Waits for the run's end while the view goes on; answers how it ended."""
        while not self.state["ended"]:
            if self.poller is None:
                self.poll()
            await asyncio.sleep(LIVE)
        return str(self.state["verdict"])

    def poll(self) -> None:
        """Looks once: passes on how the run is doing, and what was recorded since the last look."""
        self.state = self.read_state()
        files = [self.data.path / name for name in ("metrics.jsonl", "events.jsonl")]
        marks = tuple((file.stat().st_size, file.stat().st_mtime_ns) if file.exists() else None for file in files)
        if marks == self.seen:
            return
        self.seen = marks
        self.send_answer(PUSHED, self.data.metrics())
        if self.following:
            self.push_newest()

    def push_newest(self) -> None:
        """Sends the newest step's board and its first group with a signal, once."""
        steps = self.data.steps()
        if not steps or steps[-1] == self.pushed_step:
            return
        self.pushed_step = steps[-1]
        board = self.data.board(steps[-1])
        chosen = first_choice(board["groups"])["group"]
        self.send_answer(PUSHED, self.data.group(steps[-1], chosen))
        self.send_answer(PUSHED, pack({**board, "newest": True, "chosen": chosen}, {}))

    def close(self) -> None:
        """Stops looking, and takes the views away; the run goes on."""
        if self.poller is not None:
            self.poller.cancel()
        super().close()

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget, and a picture without scripts for places that have no kernel."""
        bundle_of_types = super()._repr_mimebundle_(**keywords)
        if isinstance(bundle_of_types, tuple):
            data, metadata = bundle_of_types
            return {**data, "text/html": still.picture(self.data)}, metadata
        return None if bundle_of_types is None else {**bundle_of_types, "text/html": still.picture(self.data)}


class Tokens(Dashboard):
    """Only the tokens of a run's rollouts. `step`: which to open first; None: the newest."""

    def __init__(self, run: Any, step: int | None = None) -> None:
        self.first = step
        super().__init__(run)

    def parts(self) -> dict[str, Any]:
        """The token view alone."""
        return {"head": False, "curves": False, "step": self.first}
