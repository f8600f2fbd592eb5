"""The set-up of a run as a form: its tables one at a time, what is wrong beside the field, and the config as text."""

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import ipywidgets
from pydantic.fields import FieldInfo

from widgets.form.desk import Desk, Editor, close_tree, keep_classes
from widgets.form.editor import editor
from widgets.form.pieces import Pieces
from widgets.form.spec import Spec, without_none
from widgets.form.table import Table, fields_of
from widgets.setup.draft import Mistake, Tables, quick_errors, tables_of
from widgets.setup.files import Copies, Loader
from widgets.setup.method import MethodEditor
from widgets.setup.presets import left_over, suited
from widgets.setup.samples import Samples, Trial
from workbench.config import RunConfig
from workbench.engines.build import engines
from workbench.sections import ExamPart, Part, RewardPart
from workbench.visible import escaped

#: Fields that a first run needs to know of; the other ones of these tables are for the advanced level.
BASIC = {
    "model": {"name", "dtype", "lora", "quantisation"},
    "rollouts": {"problems", "rollouts", "max_tokens", "temperature"},
    "training": {"steps", "learning_rate", "schedule", "warmup"},
    "evaluation": {"every", "problems"},
    "record": {"tokens", "every"},
}
TOP = ("name", "seed")  # fields of no table, shown where a run is launched
SECTIONS = tuple(name for name in RunConfig.model_fields if name not in TOP)
#: Lists of pieces that have fields of their own beside the piece's.
PARTS: dict[str, type[Part]] = {"rewards": RewardPart, "exams": ExamPart}
TOOLS = ("load", "TOML", "Python")


class Setup:
    """The form. `tables` is what it holds, right or wrong; `told` hears of every change."""

    def __init__(self, config: RunConfig, folder: Path, told: Callable[[], None]) -> None:
        self.desk = Desk(self.changed, editor)
        self.told, self.lock = told, threading.RLock()  # handlers and answers may come in two threads of the kernel
        self.tables: Tables = tables_of(config)
        self.config: RunConfig | None = config
        self.errors: list[str] = []
        self.editors: dict[str, Editor] = {}
        self.samples, self.trial = Samples(self.desk), Trial(self.desk)
        self.loader, self.copies = Loader(self.desk, folder, self.take), Copies(self.desk)
        self.chosen = SECTIONS[0]
        self.make_widgets()
        for name in TOP:
            self.open(name)
        self.choose(self.chosen)
        self.check()

    def make_widgets(self) -> None:
        """The head, the list of tables, and the place for the one that is chosen."""
        make = self.desk.make
        self.level = make(ipywidgets.ToggleButtons, "wf-level", options=["basic", "advanced"], description="level")
        self.level.observe(lambda change: self.set_level(change["new"] == "advanced"), "value")
        self.tools = {name: make(ipywidgets.ToggleButton, description=name) for name in TOOLS}
        for name, tool in self.tools.items():
            tool.tooltip = "load a config" if name == "load" else f"copy as {name}"
            tool.description = "Load …" if name == "load" else f"Copy as {name}"
            tool.observe(lambda change: self.arrange(), "value")
        self.buttons = {name: make(ipywidgets.Button, "wf-section") for name in SECTIONS}
        for name, button in self.buttons.items():
            button.on_click(lambda widget, name=name: self.choose(name))
        self.nav = make(ipywidgets.VBox, "wf-nav", children=tuple(self.buttons.values()))
        self.stage = make(ipywidgets.VBox, "wf-stage")
        self.rest = make(ipywidgets.HTML, "wf-rest")
        self.left_over = make(ipywidgets.HTML, "wf-left-over")
        suit = make(ipywidgets.Button, "wf-suit", description="Use settings for this model")
        suit.tooltip = (
            "task, reward, adapter and size of a step that suit it (a pretrained one: two_numbers, math, LoRA, 8 × 8); "
            "name, seed, model and method stay"
        )
        suit.on_click(lambda button: self.take(suited(self.tables)))
        self.offer = make(ipywidgets.HBox, "wf-offer", children=(self.left_over, suit))
        head = make(ipywidgets.HBox, "wf-head", children=(self.level, *self.tools.values()))
        self.body = make(ipywidgets.HBox, "wf-body", children=(self.nav, self.stage))
        self.widget = make(ipywidgets.VBox, "wf-setup-form")
        self.head = head
        self.arrange()

    def arrange(self) -> None:
        """Shows the tools that are switched on."""
        panels = {"load": self.loader.widget, "TOML": self.copies.toml, "Python": self.copies.python}
        if self.tools["load"].value:
            self.loader.refresh()
        self.write_copies()
        shown = [panels[name] for name, tool in self.tools.items() if tool.value]
        offer = [self.offer] if self.left_over.value else []
        self.widget.children = (self.head, *shown, *offer, self.rest, self.body)

    def write_copies(self) -> None:
        """Writes the config as text where that is on show; it takes longer than all else that a keystroke does."""
        if any(self.tools[name].value for name in ("TOML", "Python")):
            self.copies.show(self.config, len(self.errors))

    def look_for_left_over(self) -> None:
        """Offers settings for the config's model where those of another one are still set."""
        found = left_over(self.config) if self.config is not None else []
        text = f'<p class="wf-help">Chosen for another model: {escaped("; ".join(found))}.</p>' if found else ""
        if text != self.left_over.value:
            self.left_over.value = text
            self.arrange()

    # ------------------------------------------------------------------ the tables

    def open(self, name: str) -> Editor:
        """The editor of a table, made when it is first asked for."""
        if name not in self.editors:
            self.editors[name] = make_editor(self.desk, name, self.tables.get(name))
            self.editors[name].show(self.tables.get(name))
        return self.editors[name]

    def choose(self, name: str) -> None:
        """Shows a table; what it offers is read from the registries again."""
        with self.lock:
            self.chosen = name
            section = self.open(name)
            self.refresh()
            for each, button in self.buttons.items():
                keep_classes(button, "wf-chosen", each == name)
            extra = {"task": (self.samples.widget,), "rewards": (self.trial.widget,)}.get(name, ())
            self.stage.children = (*section.parts(), *extra)
            self.place()
            self.update_extras()

    def refresh(self) -> None:
        """Reads the registries again: pieces and methods that were defined meanwhile appear."""
        with self.lock:
            for section in self.editors.values():
                section.refresh()

    def set_level(self, advanced: bool) -> None:
        """Shows the fields of a level."""
        with self.lock:
            self.desk.advanced = advanced
            for section in self.editors.values():
                section.arrange()

    def changed(self) -> None:
        """A person changed something."""
        with self.lock:
            self.tables = {**self.tables, **{name: each.read() for name, each in self.editors.items()}}
            self.check()
        self.told()

    def take(self, config: RunConfig) -> None:
        """Takes over a whole config."""
        with self.lock:
            self.tables = tables_of(config)
            for name, section in self.editors.items():
                section.show(self.tables.get(name))
            self.check()
        self.told()

    def close(self) -> None:
        """Gives everything back that may not be on show now."""
        for background in (self.samples.background, self.trial.background):
            background.close()
        hidden = (self.samples, self.trial, self.copies.toml, self.copies.python, self.offer)
        for section in (*self.editors.values(), self.loader):
            section.close()
        for each in hidden:
            close_tree(getattr(each, "widget", each))

    # ------------------------------------------------------------------ what is wrong

    def check(self) -> None:
        """Tells at once what can be told at once."""
        self.config, found = quick_errors(self.tables)
        self.show_errors(found)
        self.write_copies()
        self.look_for_left_over()
        self.update_extras()

    def update_extras(self) -> None:
        """Samples and trial of the table that is shown."""
        if self.chosen == "task":
            self.samples.update(self.tables)
        if self.chosen == "rewards":
            self.trial.update(self.tables)

    def show_errors(self, errors: list[str]) -> None:
        """Puts every error beside its field."""
        with self.lock:
            self.errors = errors
            self.place()

    def place(self) -> None:
        """Texts beside the fields, marks in the list of tables; what has no place stands above."""
        mistakes = [Mistake.of(error) for error in self.errors]
        texts: dict[int, list[str]] = {}
        for mistake in mistakes:
            target, text = self.find(mistake)
            texts.setdefault(id(target), []).append(text)
        for section in self.editors.values():
            for each in section.everything():
                each.tell(tuple(texts.get(id(each), ())))
            section.arrange()
        for name, button in self.buttons.items():
            count = sum(mistake.path[:1] == (name,) for mistake in mistakes)
            button.description = f"{name}{f'  ✗ {count}' if count else ''}\n{summary(name, self.tables.get(name))}"
            keep_classes(button, "wf-wrong", count > 0)
        rest = [f'<div class="wf-error">{escaped(text)}</div>' for text in texts.get(id(None), ())]
        self.rest.value = "".join(rest)

    def find(self, mistake: Mistake) -> tuple[Editor | None, str]:
        """The editor that a mistake names, as deep as its path leads, and the text to put there."""
        target = self.editors.get(mistake.path[0]) if mistake.path else None
        for part in mistake.path[1:]:
            inner = target.child(part) if target else None
            if inner is None:
                return target, mistake.whole
            target = inner
        return target, mistake.text if target else mistake.whole


def make_editor(desk: Desk, name: str, value: Any) -> Editor:
    """The editor of a table of the config."""
    info = RunConfig.model_fields[name]
    if name == "method":
        return MethodEditor(desk, value)
    if name in PARTS:
        part = PARTS[name]
        extra = {key: field for key, field in part.model_fields.items() if key != part.KIND.kind}
        spec = dataclasses.replace(Spec.of(name, FieldInfo(annotation=str)), type=part.KIND)
        return Pieces(desk, spec, extra)
    fields = fields_of(without_none(info.annotation))
    if not fields:
        return editor(desk, Spec.of(name, info))
    if name == "rollouts":
        kinds: Any = Literal.__getitem__(tuple(sorted(engines())))
        fields["engine"] = FieldInfo(annotation=kinds, default="local", description=fields["engine"].description)
    return Table(desk, fields, frozenset(fields.keys() - BASIC.get(name, fields.keys())))


def summary(name: str, table: Any) -> str:
    """A table in a few words."""
    if name in PARTS:
        kind = PARTS[name].KIND.kind
        return ", ".join(str(part.get("piece") or part.get(kind)) for part in table or ()) or "none"
    if not table:
        return "none"
    if name in ("task", "method", "pruning"):
        return str(table.get("piece") or table.get(name))
    words = {
        "model": "{name}",
        "rollouts": "{problems} × {rollouts}, {max_tokens} tokens",
        "training": "{steps} steps, {learning_rate}",
        "evaluation": "{problems} problems",
        "record": "{tokens} tokens, every step" if table.get("every") == 1 else "{tokens} tokens, every {every} steps",
    }
    return words[name].format(**table) if name in words else ""
