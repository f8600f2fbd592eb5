"""What a method of the playground is: its card, the hyper-parameters one may drag, and how far."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from widgets.form_spec import Spec, choices
from workbench.method import Method
from workbench.piece import Piece, schema
from workbench.registry import find_method

BASELINE = "grpo"
#: Slots that shape the push, as a reader wants them; the others act before or after it.
SLOTS = ("surrogate", "regularisers", "reduction", "advantage", "ratio", "correction")
AROUND = 100.0  # an open end lies so many times above or below the method's own value, above at least at 1
WIDE = 100.0  # a slider over more than this is logarithmic
UNSET = {int: 100.0, float: 1.0}  # what stands in the middle where a field is empty or zero


def method_of(entry: Mapping[str, Any]) -> Method:
    """The method of an entry: a config's table, `{"method": "gspo", "surrogate": {"low": 0.1}}`.

    ValueError names what is wrong with the key or with each of the changes.
    """
    table = dict(entry)
    return find_method(str(table.pop("method", ""))).override(table)


def card(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry's method as the playground shows it: its texts, its slots as they stand in a config, its fields.

    The fields of the pieces in which it differs from GRPO come first.
    """
    method = method_of(entry)
    slots, usual = method.to_dict(), dict(find_method(method.key).pieces())
    plain = dict(find_method(BASELINE).pieces())
    pieces = [(slot, piece) for slot, piece in method.pieces() if slot.split(".")[0] in SLOTS and not nested(slot)]
    pieces.sort(key=lambda each: (plain.get(each[0]) == usual.get(each[0]), SLOTS.index(each[0].split(".")[0])))
    return {
        **{name: getattr(method, name) for name in ("key", "title", "paper", "equation", "changes")},
        "slots": {name: writable(slots[name]) for name in SLOTS},
        "fields": [field for slot, piece in pieces for field in fields(slot, piece, usual.get(slot, piece))],
    }


def nested(slot: str) -> bool:
    """Whether a piece stands inside another: a regulariser's reduction is not taken apart."""
    return slot.endswith(".reduction")


def fields(slot: str, piece: Piece, usual: Piece) -> Iterator[dict[str, Any]]:
    """The fields of a piece that have a control: numbers, switches, choices. `usual`: the registry's in its place."""
    place, _, number = slot.partition(".")
    for name, info in schema(type(piece)).model_fields.items():
        spec = Spec.of(name, info)
        kind = kind_of(spec)
        if kind is None:
            continue
        own = getattr(usual if type(usual) is type(piece) else piece, name)
        yield {
            "slot": place,
            "number": int(number) if number else None,
            "piece": piece.name,
            "name": name,
            "label": spec.label,
            "help": spec.help,
            "kind": kind,
            "value": writable(getattr(piece, name)),
            "usual": writable(own),
            "optional": spec.optional,
            "choices": choices(spec.type) if kind == "choice" else [],
            **(span(spec, own) if kind in ("number", "whole") else {}),
        }


def kind_of(spec: Spec) -> str | None:
    """Which control a field gets; None for text and for pieces inside a piece."""
    if spec.type is bool:
        return "switch"
    if spec.type in (int, float):
        return "whole" if spec.type is int else "number"
    return "choice" if choices(spec.type) else None


def span(spec: Spec, value: float | None) -> dict[str, Any]:
    """Where the slider of a number begins and ends: at its bounds, an open end around the method's own value.

    `log`: equal ways are equal factors. `zero`: the lowest place is 0, below `low`.
    """
    low, high = spec.bounds
    middle = value if value and math.isfinite(value) else UNSET[spec.type]
    if low is not None and high is not None:
        log = low > 0 and high / low > WIDE
        return {"low": low, "high": high, "log": log, "zero": False}
    if middle < 0 or low is None:  # a number that may be below zero
        size = abs(middle) * 2
        return {
            "low": -size if low is None else low,
            "high": size if high is None else high,
            "log": False,
            "zero": False,
        }
    least = max(low, middle / AROUND)
    top = max(1.0, middle * AROUND) if high is None else high
    return {"low": least, "high": top, "log": top / least > WIDE, "zero": low == 0 and not spec.strict[0]}


def writable(value: Any) -> Any:
    """A value for JSON: infinity as the word that a config has for it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {name: writable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [writable(item) for item in value]
    return value


def edited(method: Method) -> str:
    """How a method differs from the one of its key, in few words.

    >>> edited(method_of({"method": "gspo", "surrogate": {"low": 0.1}}))
    'low 0.1'
    """
    own = dict(find_method(method.key).pieces())
    found = []
    for slot, piece in method.pieces():
        usual = own.get(slot)
        if usual is None or type(usual) is not type(piece):
            found.append(f"{slot} {piece.name}")
            continue
        found += [told(name, value) for name, value in piece.fields().items() if value != getattr(usual, name)]
    return ", ".join(found)


def told(name: str, value: Any) -> str:
    """A changed field in few words."""
    if isinstance(value, Piece):
        return f"{name.replace('_', ' ')} {value.name}"
    return f"{name.replace('_', ' ')} {f'{value:.4g}' if isinstance(value, float) else value}"
