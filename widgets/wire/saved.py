"""What a saved notebook shows of a widget when the kernel that held it is gone.

The picture lies beside the widget in one output, and places that draw no widgets choose it by themselves. JupyterLab
does not in a notebook it trusts: it draws the widget's output, and says there that the model is missing. So the picture
is written once more, as an output of its own that is hidden; a style sheet alone shows it where no widget is drawn.
That copy is renewed when the reader goes on; where both could be seen, it takes the place of the first.
"""

import asyncio
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from IPython.display import display

PAUSE = 0.5  # seconds until a picture is renewed; what changes meanwhile is in it
SHARE = 50  # the pause is so many times what the last picture took, so that they take a fiftieth of a core at most
VIEW = ".jp-OutputArea-output.lm-Panel:not([data-mime-type])"  # where Lab draws a widget, or says what is the matter
STYLE = f"""<style>
.jp-OutputArea:has({VIEW}):not(:has({VIEW} > *)) .wb-saved {{ display: block !important; }}
.jp-OutputArea:has(.wb-saved) {VIEW}:not(:has(> *)) {{ display: none; }}
.jp-OutputArea:has(.wb-first) .wb-saved {{ display: block !important; }}
.jp-OutputArea:has(.wb-saved) .wb-first {{ display: none; }}
</style>"""


class Saved:
    """A widget with a picture, for places that have no kernel. It must come before the widget's class.

    `seen`: what the reader looks at, as its views tell it; `around`: the widget whose picture holds this one's.
    """

    seen: Mapping[str, Any] = MappingProxyType({})
    around: "Saved | None" = None
    copy: Any = None  # where the hidden picture stands, once the widget was shown
    written: str = ""
    pause: float = PAUSE
    due: asyncio.TimerHandle | None = None

    def picture(self) -> str:
        """HTML with inline styles, without scripts."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **keywords: Any) -> Any:
        """The widget and its picture, with metadata; None where the widget is closed."""
        found: Any = super()._repr_mimebundle_(**keywords)  # type: ignore[misc]
        if found is None:
            return None
        data, metadata = found if isinstance(found, tuple) else (found, {})
        return {**data, "text/html": self.picture()}, metadata

    def _ipython_display_(self) -> None:
        """Shows the widget, and writes its picture for later."""
        found = self._repr_mimebundle_()
        if found is None:
            return
        data, metadata = found
        picture = data["text/html"]
        display({**data, "text/html": f'<div class="wb-first">{picture}</div>'}, metadata=metadata, raw=True)
        self.written = hidden(picture)
        self.copy = display({"text/html": self.written}, raw=True, display_id=True)

    def see(self, place: Mapping[str, Any]) -> None:
        """Notes what the reader looks at, for the picture."""
        self.seen = dict(place)
        self.renew()

    def renew(self, *_: Any) -> None:
        """Has the picture written anew, soon, where it is shown; an unchanged one stays."""
        if self.around is not None:
            self.around.renew()
        elif self.copy is not None and self.due is None:
            self.due = asyncio.get_running_loop().call_later(self.pause, self.write)

    def write(self) -> None:
        """Writes the picture anew, if it is another."""
        self.due = None
        began = time.perf_counter()
        try:
            found = self._repr_mimebundle_()
        except (OSError, ValueError):  # the run was taken away: the last picture of it is the one to keep
            return
        self.pause = max(PAUSE, SHARE * (time.perf_counter() - began))
        if found is None:  # closed meanwhile
            return
        text = hidden(found[0]["text/html"])
        if text != self.written:
            self.written = text
            self.copy.update({"text/html": text}, raw=True)

    def close(self) -> None:
        """The picture stays as it is."""
        if self.due is not None:
            self.due.cancel()
            self.due = None
        super().close()  # type: ignore[misc]


def hidden(picture: str) -> str:
    """A picture that is seen only where the widget is not drawn."""
    return f'{STYLE}<div class="wb-saved" style="display:none">{picture}</div>'
