"""One page in one browser: the traits it shares with its JavaScript, and who answers what it asks."""

from collections import deque
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param
from bokeh.document import Document
from panel.custom import AnyWidgetComponent
from panel.io.state import set_curdoc

from widgets.dashboard.dashboard import Dashboard
from widgets.serve.clerk import Clerk
from widgets.wire import bundle

MOST_BEHIND = 40  # answers on their way to a page, beyond which it is sent no more news
FRAME = (Path(__file__).parent / "serve.html").read_text()


class Page(AnyWidgetComponent):
    """What a browser shares with the server; the names are those of the notebook's dashboard.

    `shown` says what the page is; `received` is how many answers the browser has received.
    """

    _esm = bundle.packed("serve/serve")
    _priority_changes: ClassVar[list[str]] = ["request", "received"]
    shown = param.Dict({})
    state = param.Dict({})
    following = param.Boolean(True)
    request = param.Dict({})
    answer = param.Bytes(b"")
    received = param.Integer(0)

    def __init__(self, document: Document, **traits: Any) -> None:
        super().__init__(**traits)
        self.document = document
        self.clerk: Clerk | None = None
        self.outbox: deque[bytes] = deque()
        self.told = 0
        self.closed = False

    @classmethod
    def _process_importmap(cls) -> dict[str, Any]:
        """No addresses of other servers: Panel would name those of React, which nothing here uses."""
        return {}

    def _get_properties(self, doc: Document | None) -> dict[str, Any]:
        """The module as it is: Panel would read it as TypeScript, which takes some lines of JavaScript otherwise."""
        return {**super()._get_properties(doc), "bundle": "workbench"}

    def give(self, clerk: Clerk, **parts: Any) -> None:
        """Gives the page to a clerk, who answers what it asks until it is closed; `parts`: what it shows.

        What asks the run's model is shown where the clerk answers everything.
        """
        self.shown = {**self.shown, "asks": clerk.allowed is None, **parts}
        self.clerk = clerk
        self.param.watch(lambda event: clerk.reply(event.new), "request")
        self.param.watch(self.on_received, "received")
        self.document.on_session_destroyed(self.on_closed)

    def on_closed(self, context: Any) -> None:
        """The browser has left; answers that are still being worked on go nowhere."""
        self.closed = True
        if self.clerk is not None:
            self.clerk.leave()

    def on_received(self, event: Any) -> None:
        """Lets the clerk go on where the page has taken everything."""
        if self.clerk is not None and self.received >= self.told:
            self.clerk.caught_up()

    @property
    def behind(self) -> bool:
        """Whether much of what was told did not arrive yet."""
        return self.told - self.received > MOST_BEHIND

    def tell_state(self, state: dict[str, Any]) -> None:
        """Shows how the run is doing."""
        if not self.closed:
            self.document.add_next_tick_callback(lambda: self.set(state=state))

    def tell(self, answer: bytes) -> None:
        """Shows an answer. Each has a turn of its own: two in one turn would be sent as one, the later."""
        if self.closed or answer == (self.outbox[-1] if self.outbox else self.answer):
            return
        self.told += 1
        self.outbox.append(answer)
        if len(self.outbox) == 1:
            self.document.add_next_tick_callback(self.flush)

    def flush(self) -> None:
        """Sends the oldest answer that waits."""
        self.set(answer=self.outbox[0])
        self.outbox.popleft()
        if self.outbox:
            self.document.add_next_tick_callback(self.flush)

    def set(self, **traits: Any) -> None:
        """Sets traits in the session of the page, whoever asked for it."""
        with set_curdoc(self.document):
            self.param.update(**traits)


def framed(page: Page) -> pn.Template:
    """A page in its HTML, with the style sheets of the views."""
    template = pn.Template(FRAME)
    template.add_variable("styles", str(Dashboard._css) + bundle.styles("serve/serve"))
    template.add_panel("page", page)
    return template
