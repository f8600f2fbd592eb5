"""A control for every type that a field of a config may have.

A value that cannot be parsed as the field's type stays text, and the config's own validation reports it.
"""

import inspect
import json
import math
from pathlib import Path
from typing import Any, get_args, get_origin

import ipywidgets

from widgets.form.desk import Desk, Editor
from widgets.form.spec import UNIONS, Spec, choices

WIDE_SPAN = 100  # bounds further apart than this make a logarithmic slider


class Value(Editor):
    """A control with one value; `parse` and `write` go between it and the plain value."""

    def __init__(self, desk: Desk, spec: Spec, control: Any) -> None:
        super().__init__(desk, control, spec.help)
        self.spec, self.control = spec, control
        control.observe(desk.touched, "value")

    def read(self) -> Any:
        return self.control.value

    def show(self, value: Any) -> None:
        with self.desk.silently():
            self.control.value = value


class Choice(Value):
    """One of some values, which need not be text. None is the empty text in the menu: one without value is blank."""

    def __init__(self, desk: Desk, spec: Spec) -> None:
        none = [("none", "")] if spec.optional else []
        options = [*none, *((written(value), value) for value in choices(spec.type))]
        control = desk.make(ipywidgets.Dropdown, description=spec.label, options=options, tooltip=spec.help)
        super().__init__(desk, spec, control)

    def read(self) -> Any:
        return None if self.control.value == "" else self.control.value

    def show(self, value: Any) -> None:
        value = "" if value is None and self.spec.optional else value
        if value not in [each for _, each in self.control.options]:  # the config's validation reports it
            self.control.options = (*self.control.options, (written(value), value))
        super().show(value)


class Switch(Value):
    """Yes or no."""

    def __init__(self, desk: Desk, spec: Spec) -> None:
        control = desk.make(ipywidgets.Checkbox, "wf-switch", description=spec.label, tooltip=spec.help, indent=True)
        super().__init__(desk, spec, control)


class Words(Value):
    """Text; several lines where the default has some. An empty one counts as missing where there may be none."""

    def __init__(self, desk: Desk, spec: Spec) -> None:
        kind = ipywidgets.Textarea if "\n" in str(spec.default or "") else ipywidgets.Text
        super().__init__(desk, spec, desk.make(kind, description=spec.label, tooltip=spec.help, value=""))

    def read(self) -> Any:
        empty = not self.control.value and (self.spec.required or self.spec.optional)
        return None if empty else self.control.value

    def show(self, value: Any) -> None:
        super().show("" if value is None else str(value))


class Items(Words):
    """Several plain values in a line, parted by commas; a word that is a value by itself stays one."""

    def read(self) -> Any:
        parts = [part.strip() for part in self.control.value.split(",") if part.strip()]
        if len(parts) == 1 and parts[0] in [word for part in get_args(self.spec.type) for word in choices(part)]:
            return parts[0]
        return [number(part) for part in parts]

    def show(self, value: Any) -> None:
        super().show(", ".join(written(item) for item in value) if isinstance(value, list | tuple) else value)


class Plain(Words):
    """Any other value, written as JSON."""

    def read(self) -> Any:
        try:
            return json.loads(self.control.value)
        except ValueError:  # the config's validation reports it
            return self.control.value

    def show(self, value: Any) -> None:
        super().show(json.dumps(value))


class Number(Value):
    """A number in a box, with a slider where it has two bounds; `1e-6` and `inf` may be written."""

    def __init__(self, desk: Desk, spec: Spec) -> None:
        box = desk.make(ipywidgets.Text, "wf-number-box", description=spec.label, tooltip=spec.help)
        super().__init__(desk, spec, box)
        self.slider = self.make_slider()
        if self.slider is not None:
            box.observe(lambda change: self.follow(), "value")
            self.slider.observe(self.slid, "value")
            self.widget = desk.make(ipywidgets.HBox, "wf-number", children=(box, self.slider))

    def make_slider(self) -> Any:
        """A slider for two bounds; logarithmic where they are far apart."""
        low, high = self.spec.bounds
        if low is None or high is None:
            return None
        whole, span = self.spec.type is int, float(high - low)
        step = 1.0 if whole else span / 100
        low, high = (float(low) + step * self.spec.strict[0], float(high) - step * self.spec.strict[1])
        traits = {"readout": False, "continuous_update": False, "tooltip": f"{self.spec.label}, as a slider"}
        if low > 0 and high / low > WIDE_SPAN:
            return self.desk.make(
                ipywidgets.FloatLogSlider, min=math.log10(low), max=math.log10(high), value=low, **traits
            )
        return self.desk.make(ipywidgets.FloatSlider, min=low, max=high, value=low, step=step, **traits)

    def read(self) -> Any:
        return number(self.control.value)

    def show(self, value: Any) -> None:
        super().show(written(value))
        self.follow()

    def follow(self) -> None:
        """Moves the slider to what the box says, where it can."""
        value = self.read()
        if self.slider is not None and isinstance(value, int | float) and not isinstance(value, bool):
            ends = (self.slider.min, self.slider.max)
            low, high = (10**end for end in ends) if isinstance(self.slider, ipywidgets.FloatLogSlider) else ends
            with self.desk.silently(), self.slider.hold_trait_notifications():
                self.slider.value = min(max(float(value), low), high)

    def slid(self, change: Any) -> None:
        """Writes what a person set with the slider into the box."""
        if not self.desk.silent:
            value = float(f"{change['new']:.3g}")
            self.control.value = written(round(value) if self.spec.type is int else value)


def number(text: str) -> Any:
    """A text as the number it is; else as it stands.

    >>> number("3"), number("1e-6"), number("many")
    (3, 1e-06, 'many')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def written(value: Any) -> str:
    """A value as a person writes it.

    >>> written(1e-06), written(0.2), written(True), written("all-linear"), written(None)
    ('1e-6', '0.2', 'true', 'all-linear', '')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}".replace("e-0", "e-").replace("e+0", "e+")
    return "" if value is None else str(value)


def control(desk: Desk, spec: Spec) -> Editor:
    """The control for a field that holds no pieces and no table."""
    parts = get_args(spec.type) if get_origin(spec.type) in UNIONS else (spec.type,)
    if spec.type is bool and not spec.optional:
        return Switch(desk, spec)
    if spec.type in (int, float):
        return Number(desk, spec)
    if choices(spec.type):
        return Choice(desk, spec)
    if any(get_origin(part) in (tuple, list) for part in parts):
        return Items(desk, spec)
    if inspect.isclass(spec.type) and issubclass(spec.type, str | Path):
        return Words(desk, spec)
    return Plain(desk, spec)
