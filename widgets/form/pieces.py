"""Editors of pieces: a menu of the registered pieces of a kind, the fields of the chosen one, lists of pieces."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import ipywidgets

from widgets.form.desk import Desk, Editor, close_tree
from widgets.form.spec import Spec
from widgets.form.table import Fields, Table
from workbench.piece import Piece, schema


class PieceEditor(Editor):
    """A menu of the pieces of a kind, and the fields of the one that is chosen.

    `extra`: fields that stand before the piece's own. `fixed`: another may be chosen at the advanced level only.
    """

    wide = True

    def __init__(self, desk: Desk, spec: Spec, extra: Fields = MappingProxyType({}), fixed: bool = False) -> None:
        super().__init__(desk, desk.make(ipywidgets.GridBox, "wf-table", "wf-piece"))
        self.spec, self.kind, self.extra, self.fixed = spec, spec.type, extra, fixed
        self.menu = desk.make(ipywidgets.Dropdown, description=spec.label, tooltip=spec.help or f"which {spec.label}")
        self.table: Table | None = None
        self.piece: Any = None  # the class whose fields are shown
        self.menu.observe(self.chosen, "value")
        self.show(spec.default)

    @property
    def name(self) -> str:
        """The name of the chosen piece; empty for none."""
        return str(self.menu.value or "")

    def chosen(self, change: Any) -> None:
        """A person chose a piece: its fields appear with their defaults."""
        if not self.desk.silent:
            self.build(change["new"], {})
            self.desk.touched()

    def read(self) -> Any:
        if not self.name:
            return None
        return {"piece": self.name, **(self.table.read() if self.table else {})}

    def show(self, value: Any) -> None:
        table = {"piece": value} if isinstance(value, str) else dict(value or {})
        name = str(table.pop("piece", None) or table.pop(self.kind.kind, None) or "")
        with self.desk.silently():
            self.fill_menu(name)
            self.menu.value = name
        if self.kind.registry.get(name) is self.piece and self.table:
            self.table.show(table)
        else:
            self.build(name, table)

    def fill_menu(self, name: str) -> None:
        """The names there are, and the one that is asked for: the config says if there is none of that name."""
        names = sorted({*self.kind.registry, *([name] if name else [])})
        blank = [("none" if self.spec.optional else "choose …", "")] if self.spec.optional or not name else []
        options = (*blank, *((each, each) for each in names))
        if self.menu.options != options:
            self.menu.options = options

    def build(self, name: str, values: Mapping[str, Any]) -> None:
        """Puts the fields of another piece in place of those that are shown."""
        old, self.piece = self.table, self.kind.registry.get(name)
        fields = {**self.extra, **schema(self.piece).model_fields} if self.piece else {}
        self.table = Table(self.desk, fields) if fields else None
        if self.table:
            self.table.show(values)
        self.help = summary(self.piece or self.kind)
        self.tell()
        self.arrange()
        if old:
            old.close()

    def refresh(self) -> None:
        """Reads the registry again: new names, and a piece that was defined anew."""
        with self.desk.silently():
            name = self.name
            self.fill_menu(name)
            self.menu.value = name
        if self.kind.registry.get(self.name) is not self.piece:
            self.build(self.name, self.table.read() if self.table else {})
        super().refresh()

    def child(self, part: str) -> Editor | None:
        if part == self.name:
            return self
        return self.table.child(part) if self.table else None

    def inner(self) -> list[Editor]:
        return [self.table] if self.table else []

    def arrange(self) -> None:
        super().arrange()
        self.menu.disabled = self.fixed and not self.desk.advanced
        self.fill(self.menu, self.note, *([self.table.widget] if self.table else []))


def summary(piece: type[Piece]) -> str:
    """The first line of a piece's docstring; a dataclass without one has its signature there, which helps nobody."""
    text = inspect.getdoc(piece) or ""
    return "" if text.startswith(f"{piece.__name__}(") else text.split("\n")[0]


class Pieces(Editor):
    """Several pieces of a kind, each of which can be removed, and a menu to add one."""

    wide = True

    def __init__(self, desk: Desk, spec: Spec, extra: Fields = MappingProxyType({}), fixed: bool = False) -> None:
        super().__init__(desk, desk.make(ipywidgets.VBox, "wf-pieces"), spec.help)
        self.spec, self.kind, self.extra, self.fixed = spec, spec.type, extra, fixed
        one = spec.label.removesuffix("s")
        self.row_spec = replace(spec, label=one, help="", default=None, optional=False, required=True)
        self.menu = desk.make(ipywidgets.Dropdown, description=f"add a {one}", options=sorted(self.kind.registry))
        self.button = desk.make(ipywidgets.Button, description="Add", tooltip=f"add this {one}")
        self.button.on_click(self.add)
        self.foot = desk.make(ipywidgets.HBox, "wf-add", children=(self.menu, self.button))
        self.rows: list[PieceEditor] = []
        self.boxes: list[Any] = []
        self.show(spec.default)

    def read(self) -> list[Any]:
        return [value for row in self.rows if (value := row.read()) is not None]

    def show(self, value: Any) -> None:
        values = list(value or ())
        while len(self.rows) > len(values):
            self.drop(self.rows[-1])
        while len(self.rows) < len(values):
            self.append()
        for row, each in zip(self.rows, values, strict=True):
            row.show(each)
        self.arrange()

    def append(self) -> PieceEditor:
        """A row more."""
        row = PieceEditor(self.desk, self.row_spec, self.extra, self.fixed)
        button = self.desk.make(ipywidgets.Button, "wf-remove", description="Remove")
        button.tooltip = f"remove this {self.row_spec.label}"
        button.on_click(lambda widget: self.remove(row))
        self.rows.append(row)
        self.boxes.append(self.desk.make(ipywidgets.HBox, "wf-row", children=(row.widget, button)))
        return row

    def add(self, widget: Any) -> None:
        """A person adds a piece."""
        del widget
        self.append().show(self.menu.value)
        self.arrange()
        self.desk.touched()

    def remove(self, row: PieceEditor) -> None:
        """A person takes a piece away."""
        self.drop(row)
        self.desk.touched()

    def drop(self, row: PieceEditor) -> None:
        """Gives a row back."""
        place = self.rows.index(row)
        self.rows.pop(place)
        box = self.boxes.pop(place)
        self.arrange()
        row.close()
        close_tree(box)

    def refresh(self) -> None:
        """Reads the registry again."""
        names = tuple(sorted(self.kind.registry))
        if tuple(self.menu.options) != names:
            self.menu.options = names
        super().refresh()

    def child(self, part: str) -> Editor | None:
        if part.isdigit():
            return self.rows[int(part)] if int(part) < len(self.rows) else None
        return next((row for row in self.rows if row.name == part), None)

    def inner(self) -> list[Editor]:
        return list(self.rows)

    def arrange(self) -> None:
        super().arrange()
        changeable = self.desk.advanced or not self.fixed
        for box in self.boxes:
            box.children[1].disabled = not changeable  # a disabled one is not shown
        self.fill(*self.boxes, *([self.foot] if changeable else []), self.note)

    def close(self) -> None:
        self.fill(*self.boxes, self.foot)
        super().close()
