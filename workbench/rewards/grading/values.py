r"""Answers as typed values: quantities, choices, words, intervals, sets, orderings, equations, formulas."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from workbench.rewards.grading.numbers import Quantity, read_number
from workbench.rewards.grading.times import Clock, Day, read_clock, read_date

DEEPEST = 6  # lists within lists
MEMBERS = 60  # of a list


@dataclass(frozen=True)
class Choice:
    """A letter of a multiple choice, and the text behind it if it was repeated."""

    letter: str
    text: str = ""


@dataclass(frozen=True)
class Words:
    """A text that is no mathematics, without case."""

    text: str


@dataclass(frozen=True)
class Truth:
    """Yes or no."""

    value: bool


@dataclass(frozen=True)
class Formula:
    """What takes computer algebra; `closed`: what only compares as text."""

    text: str
    closed: bool = False


@dataclass(frozen=True)
class Named:
    """`x = value`, and the whole as it was written."""

    name: str
    value: "Value"
    text: str = field(default="", compare=False)


@dataclass(frozen=True)
class Chain:
    """`first = … = last`: all of it must be the answer."""

    first: "Value"
    last: "Value"


@dataclass(frozen=True)
class Ratio:
    """`3:2`, as written."""

    parts: tuple[Fraction, ...]


@dataclass(frozen=True)
class Several:
    """Members in brackets or a list: ordered (tuple, ordering, matrix) or not (set, list, union)."""

    kind: Literal["tuple", "set", "list", "ordering", "matrix", "union"]
    members: tuple["Value", ...]


@dataclass(frozen=True)
class Span:
    """An interval; None as a bound is infinite. Written as (a, b) it may be a pair."""

    low: "Value | None"
    high: "Value | None"
    closed: tuple[bool, bool] = (False, False)
    name: str = ""  # the variable of an inequality


Value = Quantity | Choice | Words | Truth | Formula | Named | Chain | Ratio | Several | Span | Clock | Day

TRUTH = {"yes": True, "true": True, "no": False, "false": False}
CHOICE = re.compile(
    r"(?:(?i:option|choice|answer)\s+)?(?:\((?P<round>[A-Za-z])\)|(?P<bare>[A-Z])(?=$|[).:]))[).:]*(?:\s+(?P<text>.+))?",
    re.DOTALL,
)
LABEL = re.compile(r"(?:^|[\s(,;/])[A-J][).:](?=\s|$)|\([A-J]\)")
BASED = re.compile(r"(?P<digits>[0-9A-Za-z.]*[0-9][0-9A-Za-z.]*)\s*_\s*\{?\s*(?P<base>[0-9]+)\s*\}?")
FUNCTIONS = frozenset(
    str.split(
        "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp sqrt pi theta alpha beta gamma "
        "lambda mu omega phi sigma delta epsilon max min gcd lcm mod det inf infty"
    )
)
COMMAND = re.compile(r"\\[a-zA-Z]+")
PROSE = re.compile(r"[^\W\d_]+(?:['’.&-]+[^\W\d_]+)*(?:[\s,/]+[^\W\d_]+(?:['’.&-]+[^\W\d_]+)*)*")
EVERYTHING = re.compile(r"\\mathbb\s*\{?\s*R\s*\}?|\\R|(?:all )?real(?:s| numbers)", re.IGNORECASE)
NOTHING = re.compile(
    r"\\emptyset|\\\{\s*\\\}|\{\s*\}|(?:the )?empty set|no solutions?|there (?:is|are) no solutions?", re.IGNORECASE
)


def read_words(text: str) -> Words | None:
    r"""Letters only, two or more: words, never a product of variables.

    >>> read_words("Tuesday"), read_words("XIV"), read_words("x"), read_words("sin x"), read_words("A or B")
    (Words(text='tuesday'), Words(text='xiv'), None, None, None)
    """
    if "\\" in text or not PROSE.fullmatch(text.rstrip("!")) or sum(sign.isalpha() for sign in text) < 2:
        return None
    words = re.findall(r"[^\W\d_]+", text.lower())
    if FUNCTIONS.intersection(words) or ("or" in words and len(words) < 8) or all(len(word) == 1 for word in words):
        return None
    if ("," in text or "and" in words) and len(words) > 2:
        return None
    return Words(plain(text))


def plain(text: str) -> str:
    """A text without case, an article before it, and what separates its words.

    >>> plain("The  Moon."), plain("Jean-Luc")
    ('moon', 'jean luc')
    """
    words = re.sub(r"[\s_-]+", " ", text.casefold()).strip(" .,;:!\"'")
    return re.sub(r"^(?:the|an?) (?=..)", "", words)


def read_special(text: str) -> Value | None:
    """All real numbers, and the empty set."""
    if EVERYTHING.fullmatch(text):
        return Span(None, None)
    return Several("set", ()) if NOTHING.fullmatch(text) else None


def read_truth(text: str) -> Truth | None:
    """`Yes`, and `Yes, because …`.

    >>> read_truth("No, it is not prime."), read_truth("yes or no"), read_truth("yes, no")
    (Truth(value=False), None, None)
    """
    first, _, rest = text.partition(",")
    if first.lower() not in TRUTH or re.search(
        r"\b(?:yes|true|no|false|or|but|maybe|perhaps|wait)\b", rest, re.IGNORECASE
    ):
        return None
    return Truth(TRUTH[first.lower()])


def read_choice(text: str) -> Choice | None:
    """The letter of a multiple choice; None where several are listed.

    >>> read_choice("(C) 12"), read_choice("A) B) C) D)"), read_choice("x"), read_choice("A or B")
    (Choice(letter='C', text='12'), None, None, None)
    """
    found = CHOICE.fullmatch(text)
    if found is None:
        return None
    rest = found["text"] or ""
    if (
        LABEL.search(rest)
        or re.fullmatch(r"\(?[A-J]\)?", rest)
        or re.search(r"\b(?:or|and|not)\b", rest)
        or (rest and found["bare"] and text[1] not in ").:")
    ):
        return None
    return Choice((found["round"] or found["bare"]).upper(), rest.strip())


def read_ratio(text: str) -> Ratio | None:
    """`3:2`, `1 : 4 : 9`, `3 to 2`."""
    if not re.fullmatch(r"[0-9.]+(?:\s*(?::|\bto\b)\s*[0-9.]+)+", text):
        return None
    parts = [read_number(part.strip()) for part in re.split(r":|\bto\b", text)]
    return None if any(part is None for part in parts) else Ratio(tuple(part.value for part in parts if part))


def read_based(text: str) -> Formula | None:
    """A number with its base as an index compares as text."""
    found = BASED.fullmatch(text)
    return Formula(f"{found['digits'].casefold()}_{found['base']}", closed=True) if found else None


def algebraic(text: str) -> bool:
    r"""Whether letters in a formula can be variables: no word of three letters and more stands in it.

    >>> algebraic("x^2 + xy"), algebraic("speed + 3"), algebraic(r"\sin(x) + pi"), algebraic(r"\text{cat} + 1")
    (True, False, True, False)
    """
    if r"\ldots" in text or "..." in text or len(text) > 1000 or r"\text" in text or '"' in text:
        return False
    if re.search(r"[a-zA-Z][0-9]", COMMAND.sub(" ", text)):
        return False  # CO2 is no product
    bare = re.sub(r"\\begin\s*\{\w+\}(?:\{[lcr|]*\})?|\\end\s*\{\w+\}", " ", text)
    words = re.findall(r"[^\W\d_]{3,}", COMMAND.sub(" ", bare))
    return all(
        word.lower() in FUNCTIONS or (len(word) == 3 and word.islower() and word in "abcdxyzuvwnmkpqrst")
        for word in words
    )


READERS: tuple[Callable[[str], Value | None], ...] = (
    read_number, read_special, read_clock, read_ratio, read_date, read_truth, read_based, read_choice, read_words,
)  # fmt: skip
