"""A config from a file or an earlier run, and the config as TOML or Python to copy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets as t

from widgets.form.desk import Desk, Editor
from widgets.setup.draft import as_python
from widgets.setup.review import run_folders
from widgets.wire import bundle
from workbench.config import RunConfig
from workbench.runs.open import open_run

NO_RUN = "no runs yet"


class CopyText(anywidget.AnyWidget):
    """A text to copy. `value`: the text; `label`: what it is."""

    _esm = bundle.script("page/copy_text")
    value = t.Unicode().tag(sync=True)
    label = t.Unicode().tag(sync=True)


class Picker(Editor):
    """A menu of the runs of a folder, newest first, and a button that does something with the chosen one."""

    wide = True

    def __init__(self, desk: Desk, folder: Path, text: str, act: Callable[[Any], None]) -> None:
        self.folder, self.act = folder, act
        self.menu = desk.make(ipywidgets.Dropdown, description="run", options=[NO_RUN])
        self.button = desk.make(ipywidgets.Button, description=text)
        self.button.on_click(self.press)
        row = desk.make(ipywidgets.HBox, "wf-line", children=(self.menu, self.button))
        super().__init__(desk, desk.make(ipywidgets.VBox, "wf-picker"))
        self.fill(row, self.note)

    def refresh(self) -> None:
        """Reads which runs there are."""
        options = tuple(str(path.relative_to(self.folder)) for path in run_folders(self.folder)) or (NO_RUN,)
        if tuple(self.menu.options) != options:
            self.menu.options = options
        self.button.disabled = options == (NO_RUN,)

    def press(self, button: Any) -> None:
        """A person chose; what cannot be opened is said beside the menu."""
        del button
        try:
            self.act(open_run(self.folder / self.menu.value))
        except ValueError as error:
            self.tell(tuple(str(error).splitlines()))
        else:
            self.tell()


class Loader(Editor):
    """A config file's path, and the earlier runs, each with a button that takes over the config."""

    wide = True

    def __init__(self, desk: Desk, folder: Path, take: Callable[[RunConfig], None]) -> None:
        super().__init__(desk, desk.make(ipywidgets.VBox, "wf-loader"))
        self.take = take
        self.path = desk.make(ipywidgets.Text, description="config file", placeholder="path of a .toml file")
        button = desk.make(ipywidgets.Button, description="Load file")
        button.on_click(self.load_file)
        self.runs = Picker(desk, folder, "Load its config", lambda run: take(run.config))
        row = desk.make(ipywidgets.HBox, "wf-line", children=(self.path, button))
        self.fill(row, self.note, self.runs.widget)

    def inner(self) -> list[Editor]:
        return [self.runs]

    def load_file(self, button: Any) -> None:
        """Takes the config of a file, or says beside the field why not."""
        del button
        try:
            config = RunConfig.load(Path(self.path.value).expanduser())
        except ValueError as error:
            self.tell(tuple(str(error).splitlines()))
        else:
            self.tell()
            self.take(config)


class Copies:
    """The config as TOML and as Python."""

    def __init__(self, desk: Desk) -> None:
        self.toml = CopyText(label="the config as TOML", layout=desk.layout)
        self.python = CopyText(label="the config as Python", layout=desk.layout)

    def show(self, config: RunConfig | None, errors: int) -> None:
        """Writes both; a config with mistakes in its fields has no text."""
        missing = f"# {errors} error{'s' if errors != 1 else ''} in the form: fix them first"
        self.toml.value = missing if config is None else config.to_toml()
        self.python.value = missing if config is None else as_python(config)
