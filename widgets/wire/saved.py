"""What a saved notebook shows of a widget when the kernel that held it is gone.

The snapshot is beside the widget in one output; hosts that draw no widgets show it. JupyterLab does not in a notebook
it trusts: it draws the widget's output, and says there that the model is missing. So the snapshot is written once more,
as an output of its own that is hidden; a style sheet alone shows it where no widget is drawn. That copy is updated as
the reader moves on; where both could be seen, it replaces the first.
"""

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from IPython.display import display

PAUSE = 0.5  # seconds until a snapshot is renewed; what changes meanwhile is in it
SHARE = 50  # the pause is so many times what the last snapshot took, so that they take a fiftieth of a core at most
VIEW = ".jp-OutputArea-output.lm-Panel:not([data-mime-type])"  # where Lab draws a widget, or says what is the matter
STYLE = f"""<style>
.jp-OutputArea:has({VIEW}):not(:has({VIEW} > *)) .wb-saved {{ display: block !important; }}
.jp-OutputArea:has(.wb-saved) {VIEW}:not(:has(> *)) {{ display: none; }}
.jp-OutputArea:has(.wb-first) .wb-saved {{ display: block !important; }}
.jp-OutputArea:has(.wb-saved) .wb-first {{ display: none; }}
</style>"""


class Saved:
    """A widget with a snapshot, for places that have no kernel. It must come before the widget's class.

    `seen`: what its views show, as they report it; `around`: the widget whose snapshot holds this one's.
    """

    seen: Mapping[str, Any] = MappingProxyType({})
    around: "Saved | None" = None
    copy: Any = None  # where the hidden snapshot stands, once the widget was shown
    written: str = ""
    pause: float = PAUSE
    due: asyncio.TimerHandle | None = None

    def snapshot(self) -> str:
        """HTML with inline styles, without scripts."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget and its snapshot, with metadata; None where the widget is closed."""
        found: Any = super()._repr_mimebundle_(**keywords)  # type: ignore[misc]
        if found is None:
            return None
        data, metadata = found if isinstance(found, tuple) else (found, {})
        return {**data, "text/html": self.snapshot()}, metadata

    def _ipython_display_(self) -> None:
        """Shows the widget, and writes its snapshot for later."""
        found = self._repr_mimebundle_()
        if found is None:
            return
        data, metadata = found
        snapshot = data["text/html"]
        display({**data, "text/html": f'<div class="wb-first">{snapshot}</div>'}, metadata=metadata, raw=True)
        self.written = hidden(snapshot)
        self.copy = display({"text/html": self.written}, raw=True, display_id=True)

    def see(self, place: Mapping[str, Any]) -> None:
        """Notes what the reader looks at, for the snapshot."""
        self.seen = dict(place)
        self.renew()

    def renew(self, *_: Any) -> None:
        """Has the snapshot written anew, soon, where it is shown; an unchanged one stays."""
        if self.around is not None:
            self.around.renew()
        elif self.copy is not None and self.due is None:
            self.due = asyncio.get_running_loop().call_later(self.pause, self.write)

    def write(self) -> None:
        """Writes the snapshot anew, if it is another."""
        self.due = None
        began = time.perf_counter()
        try:
            found = self._repr_mimebundle_()
        except (OSError, ValueError):  # the run was taken away: the last snapshot of it is the one to keep
            return
        self.pause = max(PAUSE, SHARE * (time.perf_counter() - began))
        if found is None:  # closed meanwhile
            return
        text = hidden(found[0]["text/html"])
        if text != self.written:
            self.written = text
            self.copy.update({"text/html": text}, raw=True)

    def close(self) -> None:
        """The snapshot stays as it is."""
        if self.due is not None:
            self.due.cancel()
            self.due = None
        super().close()  # type: ignore[misc]


def hidden(snapshot: str) -> str:
    """A snapshot that is seen only where the widget is not drawn."""
    return f'{STYLE}<div class="wb-saved" style="display:none">{snapshot}</div>'
