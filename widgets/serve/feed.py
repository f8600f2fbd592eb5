"""A run that several viewers look at: its files are followed once for all, and everybody is told the same."""

import contextvars
from collections.abc import Callable
from typing import Any

from widgets.dashboard.dashboard import Dashboard
from widgets.recorded.curves import Curves
from widgets.recorded.data import RunData
from widgets.serve.clerk import Clerk, Screen
from widgets.wire.asked import PUSHED
from widgets.wire.payload import unpack
from workbench.runs.open import Run

#: What a viewer may ask for where nobody may change a run; a request that is not named here is refused.
READING = frozenset(
    {
        *("metrics", "curves", "setting", "board", "group", "histories", "probe", "step", "step_probes"),
        *("methods", "lens", "find", "follow", "outcome", "section"),
        *("ledger", "ledger_pool", "stock", "stock_item", "exam_stores", "exam_curves"),
    }
)
ROLLOUTS = ("board", "group")  # news that only who follows the newest rollouts is sent


class Feed:
    """One run. Its dashboard, which no notebook shows, looks at the files; what it says goes to all viewers.

    It looks as long as there are viewers: `over` is called when the last one has left.
    """

    def __init__(self, run: Run, over: Callable[[], None]) -> None:
        self.viewers: set[Viewer] = set()
        self.over = over
        # the poller is nobody's: in the context of a page it would be taken for a part of that page's session
        self.dashboard: Dashboard = contextvars.Context().run(Dashboard, run)
        self.dashboard.observe(self.on_state, "state")
        self.dashboard.observe(self.on_news, "answer")

    def on_state(self, change: Any) -> None:
        """Passes on how the run is doing."""
        for viewer in list(self.viewers):
            viewer.hear_state(change["new"])

    def on_news(self, change: Any) -> None:
        """Passes on what was recorded."""
        header, _ = unpack(change["new"][4:])
        for viewer in list(self.viewers):
            if viewer.following or header.get("kind") not in ROLLOUTS:
                viewer.hear(change["new"])

    def leave(self, viewer: "Viewer") -> None:
        """Forgets a viewer; without any the run is no longer looked at."""
        self.viewers.discard(viewer)
        if not self.viewers:
            self.dashboard.close()
            self.over()


class Viewer(Clerk):
    """Somebody who looks at a run. `control`: whether it may control the run, not only read it.

    A page that does not take what it is sent is left out of the news; when it has caught up it is sent everything, so
    nothing piles up here and nothing is missing there.
    """

    def __init__(self, feed: Feed, screen: Screen, control: bool) -> None:
        super().__init__(screen, None if control else READING)
        self.feed = feed
        self.following = True
        self.missed = False
        feed.viewers.add(self)

    @property
    def run(self) -> Run:
        """The run."""
        run: Run = self.feed.dashboard.run
        return run

    @property
    def data(self) -> RunData:
        """What all viewers read it with."""
        return self.feed.dashboard.data

    # ------------------------------------------------------------------ news

    def hear(self, news: bytes) -> None:
        """Takes news of the run."""
        if self.screen.behind:
            self.missed = True
        else:
            self.screen.tell(news)

    def hear_state(self, state: dict[str, Any]) -> None:
        """Takes how the run is doing."""
        if self.screen.behind:
            self.missed = True
        else:
            self.screen.tell_state(state)

    def caught_up(self) -> None:
        """The page has taken all it was sent: it is told what it missed."""
        if self.missed:
            self.missed = False
            self.screen.tell_state(dict(self.feed.dashboard.state))
            self.send(PUSHED, Curves(self.data.path).whole())

    def leave(self) -> None:
        """The page was closed."""
        self.feed.leave(self)
