r"""Answers with structure: intervals, tuples, sets, matrices, lists, orderings, assignments, equations.

`read` reads any cleaned text: as a plain value, else as a structure of values, else as a formula.
"""

import re
from collections.abc import Callable

from workbench.rewards.grading.numbers import Quantity, read_number
from workbench.rewards.grading.times import MOMENT, read_clock, read_date
from workbench.rewards.grading.typography import WORDING, plain_words
from workbench.rewards.grading.values import (
    COMMAND,
    DEEPEST,
    LABEL,
    MEMBERS,
    READERS,
    Chain,
    Choice,
    Formula,
    Named,
    Several,
    Span,
    Value,
    Words,
    algebraic,
    plain,
)  # fmt: skip

VARIABLE = re.compile(r"[A-Za-z](?:_(?:\{\w+\}|\w))?")
LABELLED = re.compile(r"[A-Za-z]{3,}(?: [A-Za-z]{2,}){0,4}\s?:\s*(?P<rest>\S.*)", re.DOTALL)
SIMPLE_NAME = re.compile(
    r"(?:[A-Za-z]|\\[a-z]+)(?:\s*_\s*(?:\{[A-Za-z0-9, ]*\}|[A-Za-z0-9]))?'*(?:\s*\([^()=]{0,30}\))?"
    r"|\|\s*[A-Za-z]{1,3}\s*\|"
    r"|(?:[a-z]\s*)?\\?(?:angle|triangle|overline|overrightarrow|widehat|square)\s*\{?\s*[A-Za-z]{1,4}\s*\}?"
    r"|\(\s*[a-zA-Z](?:\s*,\s*[a-zA-Z])+\s*\)|[A-Za-z][A-Za-z ]+|[A-Z]{2,3}"
    r"|(?:[A-Z](?:_\{?\w\}?)?)(?:\s*:\s*[A-Z](?:_\{?\w\}?)?)+"
)
RELATION = re.compile(r"\\(?:le|ge|ne|lt|gt|in|approx|to)(?![a-zA-Z])|[=<>]=?|->")
DIRECTIONS = {r"\le": (-1, True), "<=": (-1, True), "<": (-1, False), r"\lt": (-1, False)}
DIRECTIONS |= {r"\ge": (1, True), ">=": (1, True), ">": (1, False), r"\gt": (1, False)}
OPENERS, CLOSERS = "([{", ")]}"
PIECES = re.compile(
    r"\\[{}]|\\(?:begin|end|langle|rangle)(?![a-zA-Z])|\\.|[()\[\]{},;]|\b(?:and|or|then)\b|&", re.IGNORECASE
)
MATRIX = re.compile(
    r"\\begin\s*\{[pbBvV]?(?:matrix|array)\}(?:\{[lcr|]*\})?(.*)\\end\s*\{[pbBvV]?(?:matrix|array)\}", re.DOTALL
)
INFINITE = re.compile(r"([-+]?)\s*\\(?:infty|infinity)\s*|([-+]?)\s*(?:infinity|inf|oo)", re.IGNORECASE)


def read(text: str, depth: int = 0) -> Value:
    r"""The value of a cleaned text.

    >>> read("B and D").kind, read("x = 5").value.value, read(r"-1 \le x < 2").closed, read("ABC"), read("Yes")
    ('list', Fraction(5, 1), (True, False), Words(text='abc'), Truth(value=True))
    """
    moment = (read_clock(plain_words(text)) or read_date(plain_words(text))) if MOMENT.search(text) else None
    number = read_number(text) if moment is None else moment
    if number is not None:
        return number
    words = plain_words(text)
    text = words if WORDING.fullmatch(text) else text
    for reader in READERS:
        found = reader(words)
        if found is not None:
            return found
    if depth < DEEPEST:
        for structure in STRUCTURES:
            found = structure(text, depth)
            if found is not None:
                return found
    return Formula(text, closed=not algebraic(text))


def split_top(text: str, separators: frozenset[str]) -> list[str] | None:
    r"""A text cut at separators outside all brackets; None where brackets do not match.

    >>> split_top("(1, 2), 3 and 4", frozenset({",", "and"})), split_top("(1, 2", frozenset({","}))
    (['(1, 2)', ' 3 ', ' 4'], None)
    """
    parts, start, depth = [], 0, 0
    for piece in PIECES.finditer(text):
        sign = piece[0].lower()
        if sign in (r"\{", r"\begin", r"\langle", *OPENERS):
            depth += 1
        elif sign in (r"\}", r"\end", r"\rangle", *CLOSERS):
            depth -= 1
        elif depth == 0 and sign in separators:
            parts.append(text[start : piece.start()])
            start = piece.end()
        if depth < 0:
            return None
    return [*parts, text[start:]] if depth == 0 else None


def read_matrix(text: str, depth: int) -> Several | None:
    """A matrix by rows; brackets and spaces do not count."""
    found = MATRIX.fullmatch(text)
    if found is None:
        return None
    rows = [row for row in re.split(r"\\\\|\\cr", found[1]) if row.strip()]
    cells = [[read(cell.strip(), depth + 1) for cell in row.split("&")] for row in rows]
    return Several("matrix", tuple(Several("tuple", tuple(row)) for row in cells))


def read_relation(text: str, depth: int) -> Value | None:
    """Assignments, chains of equalities, inequalities and orderings."""
    signs = [found for found in RELATION.finditer(text) if level(text, found.start()) == 0]
    if not signs:
        return None
    if split_top(text, frozenset({",", ";", "and", "or"})) not in (None, [text]):
        return None  # a list of relations
    edges = [0, *(edge for sign in signs for edge in sign.span()), len(text)]
    parts = [text[start:end].strip() for start, end in zip(edges[::2], edges[1::2], strict=True)]
    kinds = {sign[0].replace("==", "=") for sign in signs}
    if "" in parts:
        return Formula(text, closed=True)
    if r"\approx" in kinds:
        cut = next(sign.start() for sign in signs if sign[0] == r"\approx")
        return read_approximate(text, cut, depth)
    if kinds == {"="}:
        return read_equation(text, parts, depth)
    if kinds == {r"\in"} and len(parts) == 2:
        return read(parts[1], depth + 1)
    return read_inequality(text, parts, [sign[0] for sign in signs], depth)


def read_approximate(text: str, cut: int, depth: int) -> Value:
    """`\\frac{22}{7} \\approx 3.14` is its exact part, if the other one is a number near it."""
    exact, rounded = read(text[:cut].strip(), depth + 1), read(text[cut + len(r"\approx") :].strip(), depth + 1)
    if isinstance(rounded, Quantity) and isinstance(exact, Formula) and not exact.closed:
        return exact
    if not isinstance(rounded, Quantity) or not isinstance(exact, Quantity):
        return Formula(text, closed=True)
    return exact if abs(exact.value - rounded.value) <= abs(exact.value) / 20 else Formula(text, closed=True)


def level(text: str, place: int) -> int:
    """How many brackets are open at a place."""
    before = re.sub(r"\\[lrLR]?(?:angle|brace|vert)", "", text[:place])
    return sum(before.count(sign) for sign in OPENERS) - sum(before.count(sign) for sign in CLOSERS)


def read_equation(text: str, parts: list[str], depth: int) -> Value:
    """`x = 5`, `x = 2 + 3 = 5`, `2 + 3 = 5`, or an equation between formulas."""
    name = parts[0] if SIMPLE_NAME.fullmatch(plain_words(parts[0])) else ""
    values = parts[1:] if name else parts
    if not name and len(parts) == 2 and VARIABLE.fullmatch(parts[1]):
        return Named(label(parts[1]), read(parts[0], depth + 1), text)
    if name and len(values) == 1:
        return Named(label(name), read(values[0], depth + 1), text)
    if not name and len(values) == 2 and re.search(r"[a-zA-Z]", COMMAND.sub("", values[0])):
        return Formula(text, closed=not algebraic(text))
    chain = Chain(read(values[0], depth + 1), read(values[-1], depth + 1))
    return Named(label(name), chain) if name else chain


def label(name: str) -> str:
    """The name of a variable; words and shapes only say what is meant."""
    bare = re.sub(r"[\s{}\\]", "", plain_words(name))
    return bare if re.fullmatch(r"[A-Za-z](?:_\w+)?'*|[a-z]{2,7}", bare) and " " not in name.strip() else ""


def read_inequality(text: str, parts: list[str], signs: list[str], depth: int) -> Value | None:
    """`x < 2`, `-1 \\le x < 2`, `A > B > C`."""
    if set(signs) <= {r"\to", "->"}:
        return Several("ordering", tuple(read(part, depth + 1) for part in parts))
    if any(sign not in DIRECTIONS for sign in signs) or len({DIRECTIONS[sign][0] for sign in signs}) > 1:
        return Formula(text, closed=not algebraic(text))
    rising = DIRECTIONS[signs[0]][0] < 0
    closed = [DIRECTIONS[sign][1] for sign in signs]
    parts, closed = (parts, closed) if rising else (parts[::-1], closed[::-1])
    names = [bool(SIMPLE_NAME.fullmatch(part)) for part in parts]
    if all(names):
        return (
            Several("ordering", tuple(Words(plain(part)) for part in parts)) if not any(closed) else Formula(text, True)
        )
    if len(parts) == 2 and sum(names) == 1:
        if names[0]:
            return Span(None, bound(parts[1], depth), (False, closed[0]), label(parts[0]))
        return Span(bound(parts[0], depth), None, (closed[0], False), label(parts[1]))
    if len(parts) == 3 and names == [False, True, False]:
        return Span(bound(parts[0], depth), bound(parts[2], depth), (closed[0], closed[1]), label(parts[1]))
    return Formula(text, closed=not algebraic(text))


def bound(text: str, depth: int) -> Value | None:
    """A bound of an interval; None where it is infinite."""
    return None if INFINITE.fullmatch(text.strip()) else read(text.strip(), depth + 1)


def read_bracketed(text: str, depth: int) -> Value | None:
    r"""Intervals, tuples and sets in their brackets."""
    opening = next((sign for sign in (r"\{", r"\langle", "(", "[", "]", "{") if text.startswith(sign)), "")
    closing = next((sign for sign in (r"\}", r"\rangle", ")", "]", "[", "}") if text.endswith(sign)), "")
    if not opening or not closing or len(text) < len(opening) + len(closing):
        return None
    inner = text[len(opening) : len(text) - len(closing)].strip().removesuffix("\\")
    parts = split_top(inner, frozenset({",", ";"}))
    if parts is None or len(parts) > MEMBERS:
        return None
    if "{" in opening and "}" in closing:
        return Several("set", tuple(read(part.strip(), depth + 1) for part in parts))
    if len(parts) == 1:
        return read(inner, depth + 1) if (opening, closing) == ("(", ")") else None
    if len(parts) == 2 and opening in "([]" and closing in ")][":
        low, high = bound(parts[0], depth), bound(parts[1], depth)
        return Span(low, high, (opening == "[", closing == "]"))
    if (opening, closing) in (("(", ")"), ("[", "]"), (r"\langle", r"\rangle")):
        return Several("tuple", tuple(read(part.strip(), depth + 1) for part in parts))
    return None


def read_labelled(text: str, depth: int) -> Value | None:
    """`total: 5` is 5."""
    found = LABELLED.fullmatch(text)
    return Named("", read(found["rest"], depth + 1)) if found else None


def read_union(text: str, depth: int) -> Several | None:
    """Intervals joined by a union sign, or inequalities joined by `or`."""
    parts = [part.strip() for part in re.split(r"\\cup(?![a-zA-Z])", text)]
    if len(parts) < 2 or len(parts) > MEMBERS:
        return None
    return Several("union", tuple(read(part, depth + 1) for part in parts))


def read_list(text: str, depth: int) -> Value | None:
    r"""Members behind commas, semicolons, `and`, `or`; both values of ±; `first then second` is an ordering."""
    for separators in (frozenset({";"}), frozenset({",", "and", "or", "then"})):
        parts = split_top(text, separators)
        if parts is not None and len(parts) > 1:
            return listed([part.strip() for part in parts if part.strip()], text, depth)
    if text.count(r"\pm") == 1:
        return Several(
            "list", tuple(read(text.replace(r"\pm", sign, 1).strip().removeprefix("+"), depth + 1) for sign in "+-")
        )
    labels = LABEL.findall(text)
    if len(labels) > 1:
        return Several("list", tuple(Choice(found.strip(" (),;/.:")) for found in labels))
    return None


def listed(parts: list[str], text: str, depth: int) -> Value | None:
    """The members of a list; a name given once or to all members falls away."""
    if not parts or len(parts) > MEMBERS:
        return Formula(text, closed=True)
    members = [read(part, depth + 1) for part in parts]
    if re.search(r"\bthen\b", text):
        return Several("ordering", tuple(members))
    names = [member.name for member in members if isinstance(member, Named)]
    if names and (len(set(names)) == 1 and isinstance(members[0], Named)):
        members = [member.value if isinstance(member, Named) else member for member in members]
    if all(isinstance(member, Span) and member.name for member in members) and re.search(r"\bor\b", text):
        return Several("union", tuple(members))
    if r"\pm" in text:
        inner = [
            member.members if isinstance(member, Several) and member.kind == "list" else (member,) for member in members
        ]
        members = [one for group in inner for one in group]
    return Several("list", tuple(members))


STRUCTURES: tuple[Callable[[str, int], Value | None], ...] = (
    read_matrix, read_labelled, read_union, read_relation, read_list, read_bracketed,
)  # fmt: skip
