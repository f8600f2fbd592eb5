"""A run in a notebook cell: its state, curves and tokens, and commands to it, while it trains in another process.

The browser sends requests as messages (or through `request`, where there are no messages) and receives answers through
`answer`; updates of a live run are pushed the same way. One poller in the kernel reads the run directory; the trainer
knows nothing of it.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import traitlets as t

from widgets.recorded.curves import Curves
from widgets.recorded.data import RunData
from widgets.recorded.groups import first_choice
from widgets.recorded.state import read_state
from widgets.tokens.snapshot import snapshot
from widgets.wire import bundle
from widgets.wire.asked import PUSHED, Asked, refusal
from widgets.wire.payload import pack
from widgets.wire.saved import Saved
from widgets.wire.sections import listed
from workbench.runs.open import open_run

LIVE, IDLE = 0.2, 1.0  # seconds between two looks at a run that goes on, and at one that does not


class Dashboard(Saved, Asked):
    """Curves and tokens of a run, live. `run`: what `launch` or `open_run` answered, or the path of a run.

    `opens` opens another run, by its path, in the place of this one, where there is somebody to do that: a fork of it.
    `state` is written here and only read by the browser; `shown` says which parts are drawn. Nothing large is kept:
    rollouts are read from disk when a view asks for them.
    """

    _esm = bundle.packed("dashboard/dashboard")
    _css = bundle.styles("tokens/token_view", "board/board", "charts/charts", "dashboard/dashboard", "checkpoint/panel")
    state = t.Dict().tag(sync=True)
    shown = t.Dict().tag(sync=True)
    following = t.Bool(True).tag(sync=True)  # the newest rollouts are pushed to the views

    poller: "asyncio.Task[None] | None" = None

    def __init__(self, run: Any, opens: Callable[[str], None] | None = None) -> None:
        self.run = open_run(run) if isinstance(run, str | Path) else run
        self.opens = opens
        self.data = RunData(self.run)
        self.curves = Curves(self.data.path)
        self.pushed_step = -1
        super().__init__(state=read_state(self.run), shown=self.parts())
        self.observe(self.on_state, "state")
        self.poller = self.start()

    def on_state(self, change: Any) -> None:
        """The run has ended, or goes on again: a saved notebook is to show it so."""
        if change["new"]["verdict"] != change["old"]["verdict"]:
            self.renew()

    def parts(self) -> dict[str, Any]:
        """What the views draw."""
        asked = {"asks": True, "opens": self.opens is not None}
        return {"head": True, "curves": True, "step": None, **asked, "sections": listed()}

    # ------------------------------------------------------------------ news

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
        self.state = read_state(self.run)
        try:
            news = self.curves.news()
            if news is not None:
                self.send_answer(PUSHED, news)
                if self.following:
                    self.push_newest()
        except (OSError, ValueError) as error:  # the run was taken away meanwhile, or a file of it is broken
            self.send_answer(PUSHED, refusal(error))

    def push_newest(self) -> None:
        """Sends the newest step's board and its first group with reward variance, once."""
        step = self.curves.recorded
        if step is None or step == self.pushed_step:
            return
        self.pushed_step = step
        board = self.data.board(step)
        chosen = first_choice(board["groups"])["group"]
        self.send_answer(PUSHED, self.data.group(step, chosen))
        self.send_answer(PUSHED, pack({**board, "newest": True, "chosen": chosen}, {}))

    def close(self) -> None:
        """Stops looking, and takes the views away; the run goes on."""
        if self.poller is not None:
            self.poller.cancel()
        super().close()

    def snapshot(self) -> str:
        """The run in numbers, and the rollouts shown last."""
        return snapshot(self.data, self.seen)


class Tokens(Dashboard):
    """The tokens of a run. `step`: which to open first, None: the newest; ValueError if it is not there."""

    def __init__(self, run: Any, step: int | None = None) -> None:
        self.first = step
        self.seen = {} if step is None else {"step": step}
        super().__init__(run)

    def parts(self) -> dict[str, Any]:
        """The token view alone."""
        if self.first is not None:
            self.data.file(self.first)  # says which steps there are
        return {"head": False, "curves": False, "step": self.first}
