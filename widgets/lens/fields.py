"""A method in the playground: its card, its hyper-parameters, and the ranges of their sliders."""

import inspect
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from widgets.form.spec import Spec, choices
from workbench.method import Method, may_be_empty, slot_kinds
from workbench.piece import Piece, plain_value, schema
from workbench.registry import find_method

BASELINE = "grpo"
#: Slots that shape the gradient, in reading order; the others act before or after it.
SLOTS = ("surrogate", "regularisers", "reduction", "advantage", "ratio", "correction")
AROUND = 100.0  # an open end lies so many times above or below the method's own value, above at least at 1
WIDE = 100.0  # a slider over more than this is logarithmic
UNSET = {int: 100.0, float: 1.0}  # what stands in the middle where a field is empty or zero
Place = tuple[str | int, ...]  # a slot, the number of a piece in it, a field


def method_of(entry: Mapping[str, Any]) -> Method:
    """The method of an entry: a config's table, `{"method": "gspo", "surrogate": {"low": 0.1}}`.

    ValueError names every error in the key or the changes.
    """
    table = dict(entry)
    return find_method(str(table.pop("method", ""))).override(table)


def card(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry's method as the playground shows it: its texts, its slots as they stand in a config, its fields.

    The fields of the pieces in which it differs from GRPO come first, which piece fills a slot last.
    """
    method = method_of(entry)
    slots, registered = method.to_dict(), find_method(method.key)
    usual, plain = dict(registered.pieces()), dict(find_method(BASELINE).pieces())
    pieces = [(slot, piece) for slot, piece in method.pieces() if slot.split(".")[0] in SLOTS and not nested(slot)]
    pieces.sort(key=lambda each: (plain.get(each[0]) == usual.get(each[0]), SLOTS.index(each[0].split(".")[0])))
    found = [field for slot, piece in pieces for field in fields(place_of(slot), piece, usual.get(slot, piece))]
    return {
        **{name: getattr(method, name) for name in ("key", "title", "paper", "equation", "changes")},
        "slots": {name: writable(slots[name]) for name in SLOTS},
        "fields": [*found, *(choice for slot in SLOTS for choice in slot_choices(slot, method, registered))],
    }


def nested(slot: str) -> bool:
    """Whether a piece stands inside another, whose fields lead to it."""
    return slot.endswith(".reduction")


def place_of(slot: str) -> Place:
    """Where a piece stands in a config.

    >>> place_of("regularisers.0")
    ('regularisers', 0)
    """
    return tuple(int(part) if part.isdigit() else part for part in slot.split("."))


def fields(place: Place, piece: Piece, usual: Piece) -> Iterator[dict[str, Any]]:
    """The fields of a piece, and of the pieces inside it. `usual`: the registry's in its place."""
    for name, info in schema(type(piece)).model_fields.items():
        spec, value = Spec.of(name, info), getattr(piece, name)
        own = getattr(usual if type(usual) is type(piece) else piece, name)
        yield field((*place, name), spec, value, own) | {"piece": piece.name}
        if isinstance(value, Piece):
            yield from fields((*place, name), value, own if isinstance(own, Piece) else value)


def field(place: Place, spec: Spec, value: Any, usual: Any) -> dict[str, Any]:
    """A field with what its control needs."""
    kind = kind_of(spec)
    return {
        "path": list(place),
        "name": spec.name,
        "label": spec.label,
        "help": spec.help,
        "kind": kind,
        "value": shown(value, kind),
        "usual": shown(usual, kind),
        "optional": spec.optional,
        "choices": choices(spec.type) if kind == "choice" else names(spec.type, value) if kind == "piece" else [],
        **(span(spec, usual) if kind in ("number", "whole") else {}),
    }


def slot_choices(slot: str, method: Method, usual: Method) -> Iterator[dict[str, Any]]:
    """Which piece fills a slot; of one that holds several each, and one more."""
    kind, several = slot_kinds()[slot]
    now, before = (getattr(each, slot) for each in (method, usual))
    label = slot.removesuffix("s") if several else slot
    text = f"which {label} is used" + ("; none removes it" if several else "")
    spec = Spec(label, label, kind, (None, None), (False, False), None, False, slot in may_be_empty(), text, False)
    if not several:
        yield field((slot,), spec, now, before) | {"piece": ""}
    for at in range(len(now) + 1) if several else ():
        each, own = (held[at] if at < len(held) else None for held in (now, before))
        yield field((slot, at), spec, each, own) | {"piece": "" if each else "add one"}


def names(kind: type[Piece], value: Piece | None) -> list[str]:
    """The pieces of a kind that need no field to be given, and the one that is there."""
    whole = {name for name, piece in kind.registry.items()
             if not any(info.is_required() for info in schema(piece).model_fields.values())}  # fmt: skip
    return sorted(whole | ({value.name} if value else set()))


def kind_of(spec: Spec) -> str:
    """Which control a field gets; `plain`: a value written as JSON."""
    if spec.type is bool:
        return "switch"
    if spec.type in (int, float):
        return "whole" if spec.type is int else "number"
    if inspect.isclass(spec.type) and issubclass(spec.type, Piece):
        return "piece"
    if choices(spec.type):
        return "choice"
    return "text" if spec.type is str else "plain"


def shown(value: Any, kind: str) -> Any:
    """A field's value as its control has it."""
    if kind == "piece":
        return value.name if value else None
    plain = writable(plain_value(value))
    return json.dumps(plain) if kind == "plain" and plain is not None else plain


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
    """How a method differs from the registered one, in short.

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
        found += [change_text(name, value) for name, value in piece.fields().items() if value != getattr(usual, name)]
    return ", ".join(found)


def change_text(name: str, value: Any) -> str:
    """A changed field in short."""
    if isinstance(value, Piece):
        return f"{name.replace('_', ' ')} {value.name}"
    return f"{name.replace('_', ' ')} {f'{value:.4g}' if isinstance(value, float) else value}"
