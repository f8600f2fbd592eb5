"""Plain values as texts: what goes into the sandbox and what comes out of it.

A text is a Python literal, so that a task may show it. It is read without evaluating anything. The file needs the
standard library alone: the process inside the sandbox uses it as well.
"""

import ast
import math
import warnings
from typing import Any

LONGEST = 65_536  # characters of a text that is read
DEEPEST = 50  # values inside values
NAMES = {"inf": math.inf, "nan": math.nan}
NESTED = (list, tuple, set, frozenset, dict)


def written(value: Any, longest: int = LONGEST) -> str:
    """A value as a literal; sets are sorted by the texts of their members, so that their order tells nothing.

    Raises ValueError where it is not made of numbers, texts, booleans, None, lists, tuples, sets and dicts, holds
    itself, or is longer than `longest` characters.

    >>> written([1, ("a", {2.5: {3}})])
    "[1, ('a', {2.5: {3}})]"
    """
    text = _written(value, [longest], 0)
    if len(text) > longest:
        raise ValueError(f"the value has more than {longest} characters")
    return text


def _written(value: Any, room: list[int], depth: int) -> str:
    """The text of a value; `room` holds how many characters are left for all of it."""
    if depth > DEEPEST:
        raise ValueError(f"the value is nested deeper than {DEEPEST}, or holds itself")
    if not isinstance(value, NESTED):
        return _taken(_atom(value, room[0]), room)
    if isinstance(value, dict):
        rows = [f"{_written(key, room, depth + 1)}: {_written(item, room, depth + 1)}" for key, item in value.items()]
        return "{" + ", ".join(rows) + "}"
    parts = []
    for item in value:
        parts.append(_written(item, _taken_room(room), depth + 1))
    if isinstance(value, list):
        return "[" + ", ".join(parts) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(parts) + ("," if len(parts) == 1 else "") + ")"
    text = "{" + ", ".join(sorted(parts)) + "}" if parts else ""
    if isinstance(value, frozenset):
        return f"frozenset({text})"
    return text or "set()"


def _taken_room(room: list[int]) -> list[int]:
    """The room, less the comma of one more member."""
    _taken("  ", room)
    return room


def _taken(text: str, room: list[int]) -> str:
    """The text, taken off the room."""
    room[0] -= len(text)
    if room[0] < 0:
        raise ValueError("the value is too long to write")
    return text


def _atom(value: Any, room: int) -> str:
    """A value without members."""
    if value is None or isinstance(value, bool):
        return repr(bool(value)) if value is not None else "None"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, str | bytes):
        if len(value) > room:
            raise ValueError("the value is too long to write")
        return repr(str(value)) if isinstance(value, str) else repr(bytes(value))
    raise ValueError(f"a value of type {type(value).__name__} is not plain: numbers, texts, lists, tuples, sets, dicts")


def read(text: str, longest: int = LONGEST) -> Any:
    """The value of a literal. Raises ValueError where the text is no literal, too long or too deeply nested.

    >>> read("[1, -2.5, {'a': (True, None)}]")
    [1, -2.5, {'a': (True, None)}]
    """
    if len(text) > longest:
        raise ValueError(f"the value has {len(text)} characters, at most {longest} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"{text[:80]!r} is no value: {type(error).__name__}") from None
    return _value(node, 0)


def _value(node: ast.expr, depth: int) -> Any:
    """The value of a node of a literal."""
    if depth > DEEPEST:
        raise ValueError(f"the value is nested deeper than {DEEPEST}")
    match node:
        case ast.Constant(value=value) if value is not ... and not isinstance(value, complex):
            return value
        case ast.Name(id=name) if name in NAMES:
            return NAMES[name]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _value(operand, depth + 1)
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ValueError(f"a sign before {type(number).__name__} is no value")
            return -number if isinstance(sign, ast.USub) else number
        case ast.List(elts=items):
            return [_value(item, depth + 1) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item, depth + 1) for item in items)
        case ast.Set(elts=items):
            return {_hashable(_value(item, depth + 1)) for item in items}
        case ast.Dict(keys=keys, values=items) if None not in keys:
            pairs = zip(keys, items, strict=True)
            return {_hashable(_value(key, depth + 1)): _value(item, depth + 1) for key, item in pairs if key}
        case ast.Call(func=ast.Name(id="set"), args=[], keywords=[]):
            return set()
        case ast.Call(func=ast.Name(id="frozenset"), args=[], keywords=[]):
            return frozenset()
        case ast.Call(func=ast.Name(id="frozenset"), args=[ast.Set() as members], keywords=[]):
            return frozenset(_value(members, depth + 1))
    raise ValueError(f"{type(node).__name__} is no value: only literals are read")


def _hashable(value: Any) -> Any:
    """A value that may stand in a set or as a key."""
    try:
        hash(value)
    except TypeError:
        raise ValueError(f"a {type(value).__name__} cannot be a key or a member of a set") from None
    return value


def same(one: Any, other: Any, tolerance: float = 0.0, loose: bool = False) -> bool:
    """Whether two plain values are equal; floats within a relative and absolute tolerance, nan equal to nan.

    Types count: 1 is not True, [1] is not (1,). `loose`, for tests kept as JSON, which has no tuples: a tuple equals a
    list with the same members, at any depth.

    >>> same([1, 2.0], [1, 2]), same([1], (1,)), same([1], (1,), loose=True), same(1, True)
    (True, False, True, False)
    """
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other) or not (loose or isinstance(one, list) == isinstance(other, list)):
            return False
        return all(same(*pair, tolerance, loose) for pair in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key], tolerance, loose) for key in one)
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, int | float) and isinstance(other, int | float):
        return _equal_numbers(one, other, tolerance)
    return bool(one == other)


def _equal_numbers(one: float, other: float, tolerance: float) -> bool:
    """Whether two numbers are equal; whole ones exactly, however large."""
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    if one != one or other != other:
        return one != one and other != other
    try:
        close = tolerance > 0 and math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    except OverflowError:
        return False
    return close or one == other
