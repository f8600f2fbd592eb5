"""A small language of real Python, with a bound after every operation: any program ends, in microseconds.

A program is one function of `x` in at most eight assignments to it, over whole numbers and lists of them:

    def f(x): x = x[::-1]; x = [v + 2 for v in x if v > 1]; return sum(x)

Semicolons and lines are the same. Expressions: `x`, `v` within a comprehension, numbers up to 99, `+ - * // %` on
numbers, `+` on lists, unary minus, list displays, index and slice, a comprehension over `v` with conditions,
`sorted sum len max min list range` of one argument, `.count`. What it means is what Python makes of it, or an error
where a value exceeds a bound; nothing is ever passed to Python's own `eval`.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LARGEST, LONGEST, CONSTANT = 999, 12, 99  # of a number, of a list, of a number in the text
STEPS = 2_000  # operations of one call
CHARACTERS, LINES = 400, 8  # of a program

Value = int | list[int]


class SmallError(ValueError):
    """The text is no program of the small language."""


class BoundError(ArithmeticError):
    """A value exceeds a bound, or the program has made too many steps."""


class Machine:
    """What a running program has: its variable, the comprehension's, and the steps left."""

    __slots__ = ("left", "v", "x")

    def __init__(self, x: Value) -> None:
        self.x: Any = x
        self.v: Any = None
        self.left = STEPS


Run = Callable[[Machine], Any]


@dataclass(frozen=True)
class Program:
    """A program that has been read."""

    statements: tuple[Run, ...]  # the last one is what is returned

    def trace(self, x: Value) -> list[Value]:
        """The value after every assignment, then the returned one. Raises what the program raises."""
        machine, values = Machine(held(x)), []
        for statement in self.statements:
            machine.x = held(statement(machine))
            values.append(machine.x)
        return values

    def __call__(self, x: Value) -> Value:
        return self.trace(x)[-1]


@lru_cache(maxsize=10_000)
def parse(text: str) -> Program:
    """Reads a program; the last 10,000 are remembered. Raises SmallError."""
    if len(text) > CHARACTERS:
        raise SmallError(f"the program has {len(text)} characters, at most {CHARACTERS}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise SmallError(f"the program does not parse: {type(error).__name__}") from None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        raise SmallError("the program is not one function")
    try:
        return Program(statements(body[0]))
    except RecursionError:
        raise SmallError("the program is nested too deeply") from None


def statements(function: ast.FunctionDef) -> tuple[Run, ...]:
    """The statements of a function f(x)."""
    if ast.unparse(function.args) != "x" or function.name != "f" or function.decorator_list or function.returns:
        raise SmallError("the function is not f(x)")
    *assignments, last = function.body
    if len(assignments) > LINES:
        raise SmallError(f"the program has {len(assignments)} assignments, at most {LINES}")
    for each in assignments:
        if not (isinstance(each, ast.Assign) and [ast.unparse(target) for target in each.targets] == ["x"]):
            raise SmallError(f"{ast.unparse(each)[:60]!r} is no assignment to x")
    if not isinstance(last, ast.Return) or last.value is None:
        raise SmallError("the program does not end by returning a value")
    values = [each.value for each in assignments if isinstance(each, ast.Assign)]
    return tuple(expression(each, False) for each in [*values, last.value])


def skeleton(text: str) -> str:
    """A program modulo its constants and spelling: equal for those that differ in numbers only. Raises SmallError.

    >>> skeleton("def f(x): x = x + 2; return x") == skeleton("def f(x):\\n  x = x + 7\\n  return x")
    True
    """
    parse(text)
    return re.sub(r"\d+", "#", ast.unparse(ast.parse(text)))


# --------------------------------------------------------------------------------------------- expressions


def held(value: Any) -> Any:
    """A value that a variable may hold. Raises TypeError, BoundError."""
    if type(value) is int:
        if -LARGEST <= value <= LARGEST:
            return value
        raise BoundError(f"a number beyond {LARGEST}")
    if type(value) is not list:
        raise TypeError(f"a {type(value).__name__} is no value of the language")
    if len(value) > LONGEST:
        raise BoundError(f"a list longer than {LONGEST}")
    for item in value:
        if type(item) is not int:
            raise TypeError("a list of the language holds numbers only")
        if not -LARGEST <= item <= LARGEST:
            raise BoundError(f"a number beyond {LARGEST}")
    return value


def stepped(machine: Machine, value: Any) -> Any:
    """The value of one operation, within the bounds; ranges are values only on the way into a function."""
    machine.left -= 1
    if machine.left < 0:
        raise BoundError(f"more than {STEPS} steps")
    if type(value) is range:
        if len(value) > LONGEST:
            raise BoundError(f"a range longer than {LONGEST}")
        return value
    return held(value)


def number(value: Any) -> int:
    """The value, which must be a number."""
    if type(value) is not int:
        raise TypeError(f"a {type(value).__name__} where a number is needed")
    return value


def sequence(value: Any) -> Sequence[int]:
    """The value, which must be a list or a range."""
    if type(value) is list or type(value) is range:
        return value
    raise TypeError(f"a {type(value).__name__} where a list is needed")


OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
    ast.GtE: operator.ge,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sorted": lambda value: sorted(sequence(value)),
    "sum": lambda value: sum(sequence(value)),
    "len": lambda value: len(sequence(value)),
    "max": lambda value: max(sequence(value)),
    "min": lambda value: min(sequence(value)),
    "list": lambda value: list(sequence(value)),
    "range": lambda value: range(number(value)),
}


def expression(node: ast.expr, inner: bool) -> Run:
    """An expression as a function of the machine; `inner`: within a comprehension, where `v` is known."""
    match node:
        case ast.Constant(value=value) if type(value) is int and value <= CONSTANT:
            return lambda machine: value
        case ast.Name(id="x"):
            return lambda machine: machine.x
        case ast.Name(id="v") if inner:
            return lambda machine: machine.v
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inside = expression(operand, inner)
            return lambda machine: stepped(machine, -number(inside(machine)))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATIONS:
            return binary(type(op), expression(left, inner), expression(right, inner))
        case ast.List(elts=items):
            parts = [expression(item, inner) for item in items]
            return lambda machine: stepped(machine, [number(part(machine)) for part in parts])
        case ast.Subscript(value=value, slice=ast.Slice() as piece):
            return sliced(expression(value, inner), piece, inner)
        case ast.Subscript(value=value, slice=index):
            whole, place = expression(value, inner), expression(index, inner)
            return lambda machine: stepped(machine, listed(whole(machine))[number(place(machine))])
        case ast.ListComp(elt=item, generators=[generator]):
            return comprehension(item, generator, inner)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            call, given = FUNCTIONS[name], expression(argument, inner)
            return lambda machine: stepped(machine, call(given(machine)))
        case ast.Call(func=ast.Attribute(value=value, attr="count"), args=[argument], keywords=[]):
            whole, given = expression(value, inner), expression(argument, inner)
            return lambda machine: stepped(machine, listed(whole(machine)).count(number(given(machine))))
    raise SmallError(f"{ast.unparse(node)[:60]!r} is not in the language")


def listed(value: Any) -> list[int]:
    """The value, which must be a list."""
    if type(value) is not list:
        raise TypeError(f"a {type(value).__name__} where a list is needed")
    return value


def binary(kind: type, left: Run, right: Run) -> Run:
    """An operation on two numbers, or `+` on two lists."""
    apply = OPERATIONS[kind]

    def run(machine: Machine) -> Any:
        one, other = left(machine), right(machine)
        if kind is ast.Add and type(one) is list:
            return stepped(machine, one + listed(other))
        return stepped(machine, apply(number(one), number(other)))

    return run


def sliced(value: Run, piece: ast.Slice, inner: bool) -> Run:
    """A slice of a list."""
    ends = [None if end is None else expression(end, inner) for end in (piece.lower, piece.upper, piece.step)]

    def run(machine: Machine) -> Any:
        whole = listed(value(machine))
        return stepped(machine, whole[slice(*[None if end is None else number(end(machine)) for end in ends])])

    return run


def comprehension(element: ast.expr, generator: ast.comprehension, inner: bool) -> Run:
    """A list made of another, number by number."""
    if ast.unparse(generator.target) != "v" or generator.is_async:
        raise SmallError("a comprehension runs over v")
    source, made = expression(generator.iter, inner), expression(element, True)
    conditions = [condition(each) for each in generator.ifs]

    def run(machine: Machine) -> Any:
        before, found = machine.v, []
        for item in sequence(source(machine)):
            machine.v = item
            if all(each(machine) for each in conditions):
                found.append(number(made(machine)))
        machine.v = before
        return stepped(machine, found)

    return run


def condition(node: ast.expr) -> Run:
    """A comparison of two numbers."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in COMPARISONS:
        raise SmallError(f"{ast.unparse(node)[:60]!r} is no condition of the language")
    compare = COMPARISONS[type(node.ops[0])]
    left, right = expression(node.left, True), expression(node.comparators[0], True)

    def run(machine: Machine) -> bool:
        machine.left -= 1
        if machine.left < 0:
            raise BoundError(f"more than {STEPS} steps")
        return bool(compare(number(left(machine)), number(right(machine))))

    return run
