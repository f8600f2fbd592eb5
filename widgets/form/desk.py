"""The base of every editor in a form (a control, a note beside it, a plain value), and what all editors share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets

from widgets.form.spec import Spec
from workbench.visible import escaped


class Desk:
    """Shared by the editors of a form: the change callback, the level, and one layout and style.

    A layout and a style of its own would make three models in the browser of every widget.
    """

    def __init__(self, changed: Callable[[], None], editors: "Callable[[Desk, Spec], Editor]") -> None:
        self.changed, self.editors = changed, editors
        self.advanced = False
        self.layout = ipywidgets.Layout()
        self.styles: dict[Any, Any] = {}
        self.silent = 0

    def make(self, kind: Any, *classes: str, **traits: Any) -> Any:
        """A widget with the shared layout and style."""
        if kind in self.styles:
            traits["style"] = self.styles[kind]
        widget = kind(layout=self.layout, **traits)
        if "style" in kind.class_trait_names():
            self.styles.setdefault(kind, widget.style)
        widget._dom_classes = classes
        return widget

    def editor(self, spec: Spec) -> "Editor":
        """The editor of a field inside another, of any kind."""
        return self.editors(self, spec)

    def close(self) -> None:
        """Gives layout and styles back; no widget made here may live on."""
        for each in (self.layout, *self.styles.values()):
            each.close()

    def touched(self, change: Any = None) -> None:
        """Reports a change made by the user."""
        del change
        if not self.silent:
            self.changed()

    @contextmanager
    def silently(self) -> Iterator[None]:
        """Suppresses change reports inside."""
        self.silent += 1
        try:
            yield
        finally:
            self.silent -= 1


def close_tree(widget: Any) -> None:
    """Closes a widget and all inside it: ipywidgets would keep them until the kernel ends."""
    for child in getattr(widget, "children", ()):
        close_tree(child)
    widget.close()


def keep_classes(widget: Any, name: str, on: bool) -> None:
    """Adds or takes away a class, in one message or none."""
    rest = tuple(each for each in widget._dom_classes if each != name)
    widget._dom_classes = (*rest, name) if on else rest


class Editor:
    """A field: `widget` is its control, `note` what stands beside it; `wide` ones hold their note themselves."""

    wide = False

    def __init__(self, desk: Desk, widget: Any, help: str = "") -> None:
        self.desk, self.widget, self.help, self.wrong = desk, widget, help, False
        self.note = desk.make(ipywidgets.HTML, "wf-note", value=help_text(help))

    def read(self) -> Any:
        """The plain value; None where there is none."""
        raise NotImplementedError

    def show(self, value: Any) -> None:
        """Sets a plain value without reporting a change."""
        raise NotImplementedError

    def child(self, part: str) -> "Editor | None":
        """The editor of a part of the value, by the name it has in the text of an error."""
        del part
        return None

    def inner(self) -> "list[Editor]":
        """The editors inside."""
        return []

    def parts(self) -> tuple[Any, ...]:
        """What the table around places."""
        return (self.widget,) if self.wide else (self.widget, self.note)

    def fill(self, *children: Any) -> None:
        """Sets what the widget holds, in one message or none."""
        if self.widget.children != children:
            self.widget.children = children

    def arrange(self) -> None:
        """Shows what belongs to the level."""
        for editor in self.inner():
            editor.arrange()

    def refresh(self) -> None:
        """Reads the registries again."""
        for editor in self.inner():
            editor.refresh()

    def tell(self, texts: tuple[str, ...] = (), kind: str = "error") -> None:
        """Shows errors beside the field; an empty tuple clears them."""
        self.wrong = bool(texts) and kind == "error"
        lines = "".join(f'<div class="wf-{kind}" role="alert">{escaped(text)}</div>' for text in texts)
        self.note.value = help_text(self.help) + lines
        keep_classes(self.widget, "wf-wrong", self.wrong)

    def everything(self) -> "Iterator[Editor]":
        """This editor and all inside it."""
        yield self
        for editor in self.inner():
            yield from editor.everything()

    def close(self) -> None:
        """Gives its widgets back."""
        for editor in self.inner():
            editor.close()
        close_tree(self.widget)
        self.note.close()


def help_text(text: str) -> str:
    """One line of help; `*live*` marks fields that may change while the run trains."""
    mark = '<span class="wf-live" title="may change while the run trains">live</span> '
    live = text.startswith("*live* ")
    shown = escaped(text.removeprefix("*live* "))
    return f'<span class="wf-help">{mark if live else ""}{shown}</span>' if text else ""
