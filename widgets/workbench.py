"""The workbench in one cell: set up, plan, launch, watch.

The form, the plan and the launch stand in the first tab, the runs of the folder in the second, the run that is read in
the third. Nothing here knows how a run is trained: it writes a config, and reads a run directory.
"""

from pathlib import Path
from typing import Any

import anywidget
import ipywidgets

from widgets.dashboard.dashboard import Dashboard
from widgets.form.desk import close_tree
from widgets.runs.runs_view import RunsView
from widgets.setup.background import Background
from widgets.setup.launch import Launcher
from widgets.setup.plan import Plan
from widgets.setup.review import Review, review
from widgets.setup.setup import Setup
from widgets.wire import bundle
from widgets.wire.saved import Saved
from workbench.config import RunConfig
from workbench.runs.demo import demo_config
from workbench.runs.experiment import Experiment
from workbench.runs.open import open_run
from workbench.visible import escaped

TITLES = ("Set up", "Runs", "Read")


class Frame(anywidget.AnyWidget):
    """Gives the parts around it, which are made in Python, their looks, and keeps their keys from the notebook."""

    _esm = bundle.script("setup/setup")
    _css = bundle.styles("setup/setup")


class Workbench(Saved, ipywidgets.VBox):
    """Choose, launch and watch runs. `folder`: where runs lie; `config`: where to begin, the demonstration if left out.

    `config` may be a `RunConfig` or the path of a TOML file; the property of that name answers the form's.
    """

    def __init__(self, folder: str | Path = "runs", config: RunConfig | str | Path | None = None) -> None:
        self.folder = Path(folder)
        self.begun = False
        self.run: Any = None
        self.dashboard: Dashboard | None = None
        self.setup = Setup(read_config(config), self.folder, self.changed)
        self.plan = Plan(self.setup.desk, self.setup.take)
        top = {name: self.setup.editors[name] for name in ("name", "seed")}
        self.launcher = Launcher(self.setup.desk, self.folder, top, self.ready, self.read)
        self.background = Background(lambda tables: review(tables, self.folder), self.show_review, self.plan.fail)
        self.tabs = ipywidgets.Tab(titles=TITLES, children=self.make_pages())
        self.tabs.observe(lambda change: self.turned(), "selected_index")
        super().__init__(children=(Frame(layout={"display": "none"}), self.tabs))
        self.add_class("wf-workbench")
        self.begun = True
        self.listen()
        self.changed()

    def make_pages(self) -> list[Any]:
        """What the tabs hold."""
        make = self.setup.desk.make
        titles = [make(ipywidgets.HTML, "wf-title", value=f"<h3>{text}</h3>") for text in ("Plan", "Launch")]
        parts = (self.setup.widget, titles[0], self.plan.widget, titles[1], self.launcher.widget)
        self.runs = RunsView(self.folder, opens=False)
        self.runs.observe(lambda change: self.chosen(change["new"]), "chosen")
        self.reading = make(ipywidgets.VBox, "wf-reading-run")
        self.reading.children = (
            make(ipywidgets.HTML, value='<p class="wf-help">No run is open: launch one, or choose one under Runs.</p>'),
        )
        return [make(ipywidgets.VBox, "wf-setup", children=parts), self.runs, self.reading]

    # ------------------------------------------------------------------ the config

    @property
    def config(self) -> RunConfig:
        """The form's config; ValueError with every mistake if it has any."""
        return self.ready()

    def load(self, config: RunConfig | str | Path) -> None:
        """Takes over a config, or the path of one."""
        self.setup.take(read_config(config))

    def ready(self) -> RunConfig:
        """The config, if nothing is wrong with it that is known."""
        config, errors = self.setup.config, self.setup.errors
        if config is None or errors:
            raise ValueError(f"fix {'this' if len(errors) == 1 else 'these'} first: " + "; ".join(errors))
        return config

    def changed(self) -> None:
        """The form was changed: what takes longer is asked beside the notebook."""
        if self.begun:
            self.launcher.changed()
            self.plan.wait()
            self.background.ask(self.setup.tables)

    def show_review(self, found: Review) -> None:
        """Shows what was found out."""
        self.setup.show_errors(list(found.errors))
        self.launcher.look()
        self.plan.show(found)

    # ------------------------------------------------------------------ runs

    def turned(self) -> None:
        """A person turned to another tab: what earlier runs took may have changed."""
        self.changed()

    def chosen(self, path: str) -> None:
        """A run was clicked in the list; the next click on it counts again. What cannot be opened is said there."""
        if not path:
            return
        self.runs.chosen = ""
        try:
            self.read(open_run(path))
        except (OSError, ValueError) as error:
            self.runs.show_error(str(error))

    def read(self, run: Any) -> None:
        """Opens a run in the third tab; of an experiment the first one."""
        self.run = run
        shown = run.runs[0] if isinstance(run, Experiment) else run
        self.tabs.selected_index = TITLES.index("Read")
        old = self.reading.children
        self.dashboard = Dashboard(shown, self.chosen)
        self.reading.children = (self.dashboard,)
        for each in old:
            each.close()

    # ------------------------------------------------------------------ life

    def listen(self) -> None:
        """In IPython, looks at the registries after every cell: it may have defined a piece or a method."""
        from IPython import get_ipython

        self.shell = get_ipython()
        if self.shell is not None:
            self.shell.events.register("post_run_cell", self.cell_ran)

    def cell_ran(self, result: Any = None) -> None:
        """A cell was run."""
        del result
        self.setup.refresh()

    def close(self) -> None:
        """Takes the views away; runs go on."""
        if self.comm is None:
            return
        if self.shell is not None and self.cell_ran in self.shell.events.callbacks["post_run_cell"]:
            self.shell.events.unregister("post_run_cell", self.cell_ran)
        for part in (self.background, self.setup, self.plan, self.launcher, self.runs):
            part.close()
        for child in self.children:
            close_tree(child)
        self.setup.desk.close()
        super().close()

    def snapshot(self) -> str:
        """The config as text."""
        return snapshot(self.setup.config)


def read_config(config: RunConfig | str | Path | None) -> RunConfig:
    """A config, the one in a file, or the demonstration's."""
    if config is None:
        return demo_config()
    return config if isinstance(config, RunConfig) else RunConfig.load(config)


def snapshot(config: RunConfig | None) -> str:
    """The config as text, without scripts."""
    text = "the config has errors" if config is None else config.to_toml()
    title = "<summary>RLVR Workbench, the config of the form</summary>"
    return f"<details open>{title}<pre>{escaped(text)}</pre></details>"
