"""What a text may hold before a library evaluates it: everything else is refused without running anything.

A sandbox keeps evaluated text away from the machine, not from the verdict of the function that evaluates it. These
two say which texts cannot be code at all.
"""

import re
from collections.abc import Iterable

from workbench.sandbox.values import read

LONGEST = 2_000  # characters of an answer
NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
TOKEN = re.compile(rf"\s+|{NUMBER}|(?P<name>[A-Za-z]+\d*)|\*\*|[-+*/^(),!]")
#: Functions and constants of formulas; single letters are variables and are always allowed.
FUNCTIONS = frozenset(
    {
        *("sin", "cos", "tan", "cot", "sec", "csc", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"),
        *("atanh", "exp", "log", "ln", "sqrt", "abs", "Abs", "pi", "oo"),
    }
)


def literal(text: str, longest: int = LONGEST) -> str:
    """Why a text is no literal of plain values; empty where it is one.

    >>> literal("[[1, 2], ['a', None]]"), literal("open('x')")
    ('', 'Call is no value: only literals are read')
    """
    try:
        read(text, longest)
    except ValueError as error:
        return str(error)
    return ""


def formula(text: str, names: Iterable[str] = FUNCTIONS, longest: int = LONGEST) -> str:
    """Why a text is no formula of numbers, operators, variables of one letter and known functions; empty: it is one.

    There are no strings, dots, brackets or underscores in it, so that nothing but arithmetic and these functions is
    reached, whatever evaluates it.

    >>> formula("3*x**2 + sin(x)/2"), formula("().__class__"), formula("open(0)")
    ('', "'.' has no place in a formula", "'open' is no function of a formula")
    """
    if len(text) > longest:
        return f"the formula has {len(text)} characters, at most {longest} are read"
    place, known = 0, frozenset(names)
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            return f"{text[place]!r} has no place in a formula"
        name = match["name"]
        if name and len(name) > 1 and name not in known:
            return f"{name!r} is no function of a formula"
        place = match.end()
    return "" if text.strip() else "the formula is empty"
