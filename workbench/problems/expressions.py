"""Arithmetic that data files write, computed exactly and without `eval`: whole numbers, fractions, a few functions."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

Number = int | Fraction
DEEPEST, DIGITS = 200, 60  # nodes of an expression, digits of a value
OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda one, other: Fraction(one) / other,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "gcd": math.gcd,
    "lcm": math.lcm,
    "floor": math.floor,
    "ceil": math.ceil,
    "comb": lambda one, other: math.comb(small(one), small(other)),
    "factorial": lambda one: math.factorial(small(one)),
}


def compute(text: str, names: Mapping[str, Number]) -> Number:
    """The value of an expression of numbers, names, + - * / // % **, brackets and the functions above.

    Raises:
        ValueError: for anything else, division by zero, and values that are too large.

    >>> compute("2 * (a + 1) / 3", {"a": 4}), compute("gcd(a, 6) ** 2", {"a": 4})
    (Fraction(10, 3), 4)
    """
    try:
        tree = ast.parse(text, mode="eval")
        if sum(1 for _ in ast.walk(tree)) > DEEPEST:
            raise ValueError("it is too long")
        return plain(value_of(tree.body, names))
    except (SyntaxError, ZeroDivisionError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"the expression {text[:80]!r} cannot be computed: {error}") from None


def value_of(node: ast.expr, names: Mapping[str, Number]) -> Number:
    """The value of a part of an expression."""
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            return bounded(value)
        case ast.Constant(value=float() as value):
            return Fraction(repr(value))
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -value_of(inner, names)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return power(value_of(left, names), value_of(right, names))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return bounded(OPERATORS[type(sign)](value_of(left, names), value_of(right, names)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return bounded(FUNCTIONS[name](*(plain(value_of(each, names)) for each in arguments)))
    raise ValueError(f"{ast.unparse(node)[:40]!r} is no number, known name, operation or function")


def power(base: Number, exponent: Number) -> Number:
    """A whole power of a size that can be written."""
    exponent = small(exponent)
    if exponent * max(1, len(str(base))) > 10 * DIGITS:
        raise ValueError("a power is too large")
    return bounded(Fraction(base) ** exponent)


def small(value: Number) -> int:
    """A whole number from 0 to 100."""
    if not 0 <= value <= 100 or value != int(value):
        raise ValueError(f"{value} is no whole number from 0 to 100")
    return int(value)


def bounded(value: Number) -> Number:
    """A value that is not too large to write."""
    if abs(Fraction(value)).numerator >= 10**DIGITS:
        raise ValueError("a value is too large")
    return value


def plain(value: Number) -> Number:
    """A whole number as int."""
    return int(value) if value == int(value) else value
