"""The method of a run: a list to choose from, its card, and the pieces of its slots with their fields."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import ipywidgets
from pydantic.fields import FieldInfo

from widgets.form.desk import Desk, Editor
from widgets.form.fields import Number
from widgets.form.pieces import PieceEditor, Pieces
from widgets.form.spec import Spec
from workbench import registry
from workbench.method import Method, may_be_empty, slot_kinds
from workbench.piece import NONE
from workbench.visible import escaped

ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")
WEIGHT = Spec.of("surrogate_weight", FieldInfo(annotation=float, default=1.0, description="of the surrogate's loss"))


Slot = PieceEditor | Pieces | Number  # what a slot of a method is edited with


class MethodEditor(Editor):
    """A method by its key, with slots that may be changed: their fields always, their pieces at the advanced level."""

    wide = True

    def __init__(self, desk: Desk, value: Any) -> None:
        super().__init__(desk, desk.make(ipywidgets.VBox, "wf-method-editor"))
        self.filter = desk.make(ipywidgets.Text, description="filter", placeholder="key, title or description")
        self.menu = desk.make(ipywidgets.Select, "wf-method-menu", description="method", rows=9, options=[])
        self.card = desk.make(ipywidgets.HTML, "wf-card")
        self.equation = desk.make(ipywidgets.HTMLMath, "wf-equation")
        self.method: Method = registry.find_method("grpo")
        self.slots: dict[str, Slot] = {
            name: make_slot(desk, name, kind, several) for name, (kind, several) in slot_kinds().items()
        }
        self.slots["surrogate_weight"] = Number(desk, WEIGHT)
        self.hyper = desk.make(ipywidgets.GridBox, "wf-table")
        choosing = desk.make(ipywidgets.VBox, "wf-choosing", children=(self.filter, self.menu))
        reading = desk.make(ipywidgets.VBox, "wf-reading", children=(self.card, self.equation))
        self.top = desk.make(ipywidgets.HBox, "wf-method-top", children=(choosing, reading))
        self.filter.observe(lambda change: self.fill_menu(), "value")
        self.menu.observe(self.chosen, "value")
        self.fill(self.top, self.note, self.hyper)
        self.show(value)

    def read(self) -> dict[str, Any]:
        found = {name: slot.read() for name, slot in self.slots.items()}
        return {"method": self.menu.value, **{name: NONE if value is None else value for name, value in found.items()}}

    def show(self, value: Any) -> None:
        table = {"method": value} if isinstance(value, str) else dict(value)
        key = str(table.pop("method"))
        with self.desk.silently():
            self.fill_menu(key)
            self.menu.value = key
        self.show_method(key, table)

    def chosen(self, change: Any) -> None:
        """A person chose a method: its card, and its own pieces in every slot."""
        if not self.desk.silent and change["new"] is not None:
            self.show_method(change["new"], {})
            self.desk.touched()

    def show_method(self, key: str, changes: Mapping[str, Any]) -> None:
        """The card of a method and its slots; the config says so if there is none of that key."""
        self.method = registry.methods().get(key, self.method)
        slots = {**self.method.to_dict(), **changes}
        for name, slot in self.slots.items():
            slot.show(None if slots[name] == NONE else slots[name])
        self.card.value = card(self.method)
        self.equation.value = f"$$\\begin{{gathered}}{escaped(self.method.equation)}\\end{{gathered}}$$"
        self.arrange()

    def fill_menu(self, key: str | None = None) -> None:
        """The methods that hold every word of the filter, and the one that is chosen."""
        key = key or self.menu.value
        words = self.filter.value.casefold().split()
        options = tuple(
            (f"{name} · {method.title}", name)
            for name, method in sorted(registry.methods().items())
            if name == key or all(word in sought(name, method) for word in words)
        )
        if key and key not in [name for _, name in options]:
            options = (*options, (key, key))
        if self.menu.options != options:
            with self.desk.silently():
                self.menu.options = options
                self.menu.value = key

    def refresh(self) -> None:
        """Reads the registries again; a method that was defined anew takes the place of the old one."""
        self.fill_menu()
        super().refresh()
        if registry.methods().get(self.menu.value, self.method) != self.method:
            self.show_method(self.menu.value, {})

    def child(self, part: str) -> Editor | None:
        found = (slot.child(part) for slot in self.slots.values())
        return self.slots.get(part) or next((each for each in found if each is not None), None)

    def inner(self) -> list[Editor]:
        return list(self.slots.values())

    def visible(self, slot: Slot) -> bool:
        """Whether a slot is shown: at the basic level, one that has fields or something wrong."""
        if isinstance(slot, Number):
            return self.desk.advanced or slot.wrong or slot.read() != 1.0
        if not slot.spec.type.registry and not slot.inner():
            return False
        return self.desk.advanced or any(each.wrong or isinstance(each, Number) for each in slot.everything())

    def arrange(self) -> None:
        super().arrange()
        shown = [slot for slot in self.slots.values() if self.visible(slot)]
        children = tuple(part for slot in shown for part in slot.parts())
        if self.hyper.children != children:
            self.hyper.children = children

    def close(self) -> None:
        self.fill(self.top, self.hyper)
        super().close()


def make_slot(desk: Desk, name: str, kind: Any, several: bool) -> PieceEditor | Pieces:
    """The editor of a slot."""
    empty = name in may_be_empty()
    spec = dataclasses.replace(WEIGHT, name=name, label=name, type=kind, default=None, help="", optional=empty)
    return Pieces(desk, spec, fixed=True) if several else PieceEditor(desk, spec, fixed=True)


def sought(key: str, method: Method) -> str:
    """What the filter looks through."""
    return " ".join([key, method.title, method.changes, method.paper]).casefold()


def card(method: Method) -> str:
    """Title, paper, and what a method changes against GRPO."""
    paper = ARXIV.sub(
        r'<a href="https://arxiv.org/abs/\1" target="_blank" rel="noopener">arXiv:\1</a>', escaped(method.paper)
    )
    needs = ", ".join(sorted(method.needs)) or "log-probs alone"
    facts = f"reads {escaped(needs)} · groups of {method.group_size} or more"
    return (
        f"<h3>{escaped(method.title)}</h3><p>{paper}</p><p><b>Against GRPO:</b> {escaped(method.changes)}</p>"
        f'<p class="wf-help">{facts}</p>'
    )
