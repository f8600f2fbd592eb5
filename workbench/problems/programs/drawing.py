"""Small programs drawn line by line: every value on the way is small, whatever the seed."""

import ast
import zlib
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from workbench.sandbox.exact import RAISED
from workbench.sandbox.small import LINES as MOST_LINES
from workbench.sandbox.small import SmallError, Value, parse

Split = Literal["train", "test"]
HELD_OUT = 8  # one program in eight belongs to the test split; of one-line programs, one problem in eight
LARGEST, LONGEST = 99, 8  # of a number and of a list on the way: smaller than what the language allows
#: Lines by what they take and what they make; {d} is a digit of the line's own.
LINES: dict[tuple[str, str], tuple[str, ...]] = {
    ("list", "list"): (
        *("x[::-1]", "sorted(x)", "x[{d}:]", "x[:{d}]", "x + [{d}]", "[{d}] + x", "x + x"),
        *("[v + {d} for v in x]", "[v * {d} for v in x]", "[v % {d} for v in x]", "[v for v in x if v > {d}]"),
    ),
    ("list", "int"): ("sum(x)", "len(x)", "max(x)", "min(x)", "x[0]", "x[-1]", "x.count({d})"),
    ("int", "int"): ("x + {d}", "x - {d}", "x * {d}", "x % {d}"),
    ("int", "list"): ("[x, {d}]", "[x, x]", "[x + v for v in range({d})]"),
}


@dataclass(frozen=True)
class Drawn:
    """A program and inputs for which it returns, with what it returns: numbers and lists, or other Python values."""

    program: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


def split_of(text: str) -> Split:
    """The split of a text, a program or a prompt: the two never share one, whatever the seed."""
    return "test" if zlib.crc32(text.encode()) % HELD_OUT == 0 else "train"


def canonical(program: str) -> str:
    """A program of the language as `draw` writes it: one line, usual spaces, and `return x` at the end.

    Decides with `split_of` to which split a program belongs that a model wrote. Raises SmallError.

    >>> canonical("def f(x):\\n  x=x+(2)\\n  return sum( x )")
    'def f(x): x = x + 2; x = sum(x); return x'
    """
    parse(program)
    (function,) = ast.parse(program).body
    assert isinstance(function, ast.FunctionDef)
    try:
        *body, last = [ast.unparse(each) for each in function.body]
    except RecursionError:
        raise SmallError("the program is nested too deeply") from None
    if last != "return x" and len(body) < MOST_LINES:
        body, last = [*body, last.replace("return", "x =", 1)], "return x"
    return f"def f(x): {'; '.join([*body, last])}"


def draw(random: Random, lines: int, split: Split, inputs: int = 1) -> Drawn:
    """A program of so many lines that belongs to the split, with different inputs.

    There are under a hundred programs of one line, the alphabet of the others: they are in both splits, and each
    problem about them in one (`asking.belongs`).
    """
    while True:
        kind = "list" if random.random() < 0.8 else "int"
        program = drawn_program(random, lines, kind)
        if lines > 1 and split_of(program) != split:
            continue
        found = dict[str, tuple[Value, Value]]()
        for _ in range(4 * inputs):
            value = drawn_input(random, kind)
            result = tame(program, value)
            if result is not None and len(found) < inputs:
                found[str(value)] = value, result
        if len(found) == inputs:
            return Drawn(program, *(tuple(side) for side in zip(*found.values(), strict=True)))


def drawn_program(random: Random, lines: int, kind: str) -> str:
    """A program that takes a list or a number."""
    body = []
    for _ in range(lines):
        (_, after), forms = random.choice([item for item in LINES.items() if item[0][0] == kind])
        digit = random.randint(1, 9 if after == "int" else 4)
        body.append(f"x = {random.choice(forms).format(d=digit)}")
        kind = after
    return f"def f(x): {'; '.join(body)}; return x"


def drawn_input(random: Random, kind: str) -> Value:
    """A list of one to four digits, or a digit."""
    return [random.randint(0, 9) for _ in range(random.randint(1, 4))] if kind == "list" else random.randint(0, 9)


def tame(program: str, value: Value) -> Value | None:
    """What a program returns, or None where it raises or a value on the way is not small."""
    try:
        trace = parse(program).trace(value)
    except RAISED:
        return None
    small = all(
        abs(each) <= LARGEST if isinstance(each, int) else len(each) <= LONGEST and all(abs(v) <= LARGEST for v in each)
        for each in trace
    )
    return trace[-1] if small else None
