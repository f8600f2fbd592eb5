"""Forms for tables and pieces, made from their fields: what a config holds, a form shows, and the other way round.

Every editor answers plain data (`read`) and takes it over (`show`). Menus are those of the registries: `refresh` reads
them again, so a piece just defined in a cell appears.
"""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ipywidgets
from pydantic.fields import FieldInfo

from widgets.form.desk import Desk, Editor, keep_classes
from widgets.form.spec import Spec
from workbench.piece import NONE, Piece
from workbench.visible import escaped

Fields = Mapping[str, FieldInfo]


def is_piece(kind: Any) -> bool:
    """Whether a type is a kind of piece."""
    return inspect.isclass(kind) and issubclass(kind, Piece)


def fields_of(kind: Any) -> dict[str, FieldInfo]:
    """The fields of a pydantic model or dataclass; none for any other type."""
    return dict(getattr(kind, "__pydantic_fields__", {}))


class Table(Editor):
    """Fields below each other; advanced ones at that level, and where they are not the default or have an error.

    `title`: said above them, of a table inside another.
    """

    wide = True

    def __init__(self, desk: Desk, fields: Fields, advanced: frozenset[str] = frozenset(), title: str = "") -> None:
        super().__init__(desk, desk.make(ipywidgets.GridBox, "wf-table"))
        self.head = [desk.make(ipywidgets.HTML, "wf-wide", value=f"<h4>{escaped(title)}</h4>")] if title else []
        self.specs = {name: Spec.of(name, info, name in advanced) for name, info in fields.items()}
        self.editors = {name: desk.editor(spec) for name, spec in self.specs.items()}
        self.show({})

    def read(self) -> dict[str, Any]:
        found = {name: self.told(name, each.read()) for name, each in self.editors.items()}
        return {name: value for name, value in found.items() if value is not None}

    def told(self, name: str, value: Any) -> Any:
        """A value as a config writes it: `none` where the default is something else."""
        return NONE if value is None and self.specs[name].optional and self.specs[name].default is not None else value

    def show(self, value: Mapping[str, Any]) -> None:
        for name, each in self.editors.items():
            given = value.get(name, self.specs[name].default)
            each.show(None if given == NONE and self.specs[name].optional else given)
        self.arrange()

    def child(self, part: str) -> Editor | None:
        return self.editors.get(part)

    def inner(self) -> list[Editor]:
        return list(self.editors.values())

    def visible(self, name: str) -> bool:
        """Whether a field is shown."""
        spec, each = self.specs[name], self.editors[name]
        seldom = spec.advanced or (spec.optional and is_piece(spec.type))
        return self.desk.advanced or not seldom or each.wrong or each.read() != spec.default

    def arrange(self) -> None:
        super().arrange()
        shown = [each for name, each in self.editors.items() if self.visible(name)]
        self.fill(*self.head, *(part for each in shown for part in each.parts()), self.note)


class Maybe(Editor):
    """A field that may be left out: a switch, and what it switches on."""

    def __init__(self, desk: Desk, spec: Spec) -> None:
        super().__init__(desk, desk.make(ipywidgets.Box, "wf-maybe"), spec.help)
        title = spec.help or spec.label
        self.switch = desk.make(ipywidgets.Checkbox, description=spec.label, tooltip=title, indent=True)
        least: Any = {} if fields_of(spec.type) else spec.bounds[0]
        default = least if spec.default is None else spec.default
        self.spec = replace(spec, optional=False, default=default, label="", help=title)
        self.content = desk.editor(self.spec)
        self.wide = self.content.wide
        keep_classes(self.widget, "wf-wide", self.wide)
        head = (self.switch, self.note)
        self.head = desk.make(ipywidgets.GridBox, "wf-table", children=head) if self.wide else self.switch
        self.switch.observe(self.switched, "value")
        self.show(None)

    def switched(self, change: Any) -> None:
        """A person switched it."""
        del change
        self.arrange()
        self.desk.touched()

    def read(self) -> Any:
        return self.content.read() if self.switch.value else None

    def show(self, value: Any) -> None:
        with self.desk.silently():
            self.switch.value = value is not None
        self.content.show(self.spec.default if value is None else value)
        self.arrange()

    def child(self, part: str) -> Editor | None:
        return self.content.child(part)

    def inner(self) -> list[Editor]:
        return [self.content]

    def arrange(self) -> None:
        super().arrange()
        self.fill(self.head, *([self.content.widget] if self.switch.value else []))
