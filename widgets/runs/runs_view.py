"""All runs below a folder, in a notebook cell: their states, overlaid curves, and one run that is open.

`RunsView(folder)` shows the list and opens a run below it; `chosen` is the path of the run that was clicked, so that
another widget may open it in its own place. The list asks for the rows it shows and for no others.
"""

from pathlib import Path
from typing import Any

import ipywidgets
import traitlets as t

from widgets.dashboard.dashboard import Dashboard
from widgets.recorded.folder import RunFolder
from widgets.wire import bundle
from widgets.wire.asked import Asked
from widgets.wire.saved import Saved
from workbench.visible import escaped

SAVED_ROWS = 30  # of the static snapshot


class RunList(Asked):
    """The list alone. `chosen`: the path of the run that was clicked last."""

    _esm = bundle.packed("runs/runs_view")
    _css = bundle.styles("tokens/token_view", "charts/charts", "dashboard/dashboard", "runs/runs_view")
    folder = t.Unicode().tag(sync=True)
    chosen = t.Unicode().tag(sync=True)

    def __init__(self, folder: str | Path) -> None:
        self.runs = RunFolder(Path(folder))
        super().__init__(folder=str(folder))


class RunsView(Saved, ipywidgets.VBox):
    """The list, and below it the run that is chosen. `opens`: whether a click opens it here, or only sets `chosen`."""

    chosen = t.Unicode()

    def __init__(self, folder: str | Path = "runs", opens: bool = True) -> None:
        self.list = RunList(folder)
        self.dashboard: Dashboard | None = None
        self.error = ipywidgets.Label()
        super().__init__(children=(self.list,))
        t.link((self.list, "chosen"), (self, "chosen"))
        if opens:
            self.observe(lambda change: self.show(change["new"]), "chosen")

    def show(self, path: str) -> None:
        """Opens a run below the list; an error is shown there."""
        old, self.dashboard = self.dashboard, None
        try:
            if path:
                self.dashboard = Dashboard(path)
        except (OSError, ValueError) as error:
            self.show_error(str(error))
        else:
            self.children = (self.list, *([] if self.dashboard is None else [self.dashboard]))
        if self.dashboard is not None:
            self.dashboard.around = self
        if old is not None:
            old.close()
        self.renew()

    def show_error(self, text: str) -> None:
        """Shows an error below the list."""
        self.error.value = text
        self.children = (self.list, self.error)

    def close(self) -> None:
        """Takes the views away; runs go on."""
        parts: list[Any] = [self.list, self.error, *([] if self.dashboard is None else [self.dashboard])]
        for part in parts:
            part.close()
        super().close()

    def snapshot(self) -> str:
        """The newest runs, and the one that is open."""
        return snapshot(self.list.runs) + (self.dashboard.snapshot() if self.dashboard else "")


def snapshot(runs: RunFolder) -> str:
    """The newest runs of a folder as a table: name, method, state, held-out accuracy; without scripts."""
    window = runs.window({"count": SAVED_ROWS})
    text = f"{window['total']:,} run{'' if window['total'] == 1 else 's'} below {runs.folder}"
    if window["total"] > SAVED_ROWS:
        text += f", the newest {SAVED_ROWS}"
    titles = "".join(f'<th style="text-align:left">{title}</th>' for title in ("run", "method", "state", "accuracy"))
    rows = "".join(row(each) for each in window["rows"])
    table = f"<table><tr>{titles}</tr>{rows}</table>" if rows else ""
    return f'<div style="font-family:sans-serif"><p>{escaped(text)}</p>{table}</div>'


def row(facts: dict[str, Any]) -> str:
    """A run as a row of the snapshot."""
    accuracy = "" if facts.get("accuracy") is None else f"{100 * facts['accuracy']:.0f} %"
    cells = (facts["name"], facts.get("method", ""), facts["text"] or facts["verdict"], accuracy)
    return "<tr>" + "".join(f'<td style="text-align:left">{escaped(cell)}</td>' for cell in cells) + "</tr>"
