"""The end of the set-up: a name, seeds, and the button that starts the run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ipywidgets

from widgets.form.desk import Desk, Editor, help_text
from widgets.form.fields import number
from widgets.setup.background import Background
from widgets.setup.draft import Mistake
from workbench.config import RunConfig
from workbench.runs.launch import launch
from workbench.visible import escaped


@dataclass(frozen=True)
class Order:
    """What is to be started."""

    config: RunConfig
    folder: Path
    seeds: int | Sequence[int] | None
    jobs: int


def start(order: Order) -> Any:
    """Starts a run, or an experiment of several seeds."""
    return launch(order.config, order.folder, order.seeds, order.jobs)


class Seeds(Editor):
    """How many seeds, or which ones, as a line of text."""

    def __init__(self, desk: Desk) -> None:
        self.line = desk.make(ipywidgets.Text, description="seeds", value="1")
        super().__init__(desk, self.line, "a number of seeds (3), or the seeds themselves (0, 5, 7)")
        self.line.observe(self.check, "value")

    def read(self) -> int | list[int] | None:
        """None for one run of the config's own seed, a number of seeds, or the seeds themselves; else ValueError."""
        values = [number(part.strip()) for part in self.line.value.split(",") if part.strip()]
        whole = bool(values) and all(isinstance(value, int) and value >= 0 for value in values)
        if not whole or values == [0] or len(set(values)) < len(values):
            remedy = "give a number of seeds, as 3, or distinct seeds, as 0, 5, 7"
            raise ValueError(f"seeds = {self.line.value!r}: {remedy}")
        if len(values) > 1:
            return values
        return None if values[0] == 1 else int(values[0])

    def check(self, change: Any) -> None:
        """Says beside the field what is wrong, while a person types."""
        del change
        try:
            self.read()
        except ValueError as error:
            self.tell((Mistake.of(str(error)).text,))
        else:
            self.tell()
        self.desk.touched()


class Launcher(Editor):
    """Name, seed, how many seeds, and the button. `ready` answers the config, `started` is given the run."""

    wide = True

    def __init__(
        self,
        desk: Desk,
        folder: Path,
        top: dict[str, Editor],
        ready: Callable[[], RunConfig],
        started: Callable[[Any], None],
    ) -> None:
        super().__init__(desk, desk.make(ipywidgets.VBox, "wf-launch"))
        self.folder, self.top, self.ready, self.started = folder, top, ready, started
        self.refused = False  # whether what is said beside the button is why it did not start
        self.seeds = Seeds(desk)
        self.jobs = desk.make(ipywidgets.BoundedIntText, description="parallel runs", value=1, min=1, max=64)
        note = desk.make(ipywidgets.HTML, "wf-note", value=help_text("seeds that train at the same time"))
        self.button = desk.make(ipywidgets.Button, "wf-go", description="Launch", button_style="primary")
        self.said = desk.make(ipywidgets.HTML, "wf-said")
        self.button.on_click(self.press)
        self.background = Background(start, self.done, self.failed)
        fields = [part for each in (*top.values(), self.seeds) for part in each.parts()]
        rows = (*fields, self.jobs, note)
        go = desk.make(ipywidgets.HBox, "wf-line", children=(self.button, self.said))
        self.fill(desk.make(ipywidgets.GridBox, "wf-table", children=rows), go)
        self.look()

    def changed(self) -> None:
        """The form was changed: what kept the run from starting may be mended."""
        if self.refused:
            self.say("", "said")
        self.look()

    def look(self) -> None:
        """Says beside the name which name a run would get, where a run of that name is there."""
        name = self.top["name"]
        if not name.wrong:
            asked = str(name.read())
            free = free_name(self.folder, asked)
            taken = f"{self.folder / asked} exists: this run will be named {free}"
            name.tell((taken,) if free != asked else (), "said")

    def press(self, button: Any) -> None:
        """A person launches."""
        del button
        try:
            order = Order(self.ready(), self.folder, self.seeds.read(), self.jobs.value)
        except ValueError as error:
            self.failed(str(error))
            return
        self.button.disabled = True
        self.say("starting …", "said")
        self.background.ask(order)

    def done(self, run: Any) -> None:
        """It has been started."""
        self.button.disabled = False
        self.say(f"launched {run.path}", "said")
        self.started(run)
        self.look()

    def failed(self, text: str) -> None:
        """It could not be started."""
        self.button.disabled = False
        self.say(text, "error")

    def say(self, text: str, kind: str) -> None:
        """Says something beside the button."""
        self.refused = kind == "error"
        self.said.value = f'<div class="wf-{kind}" role="status">{escaped(text)}</div>'

    def close(self) -> None:
        self.background.close()
        super().close()


def free_name(folder: Path, name: str) -> str:
    """The name, or `name-2`, `name-3` … where it is taken.

    >>> free_name(Path("/nowhere"), "demo")
    'demo'
    """
    tries = (name if number == 1 else f"{name}-{number}" for number in range(1, 100_000))
    return next((each for each in tries if not (folder / each).exists()), name)
