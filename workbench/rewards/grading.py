r"""Comparing a given answer with a reference as far as that needs no computer algebra.

`decide` answers the common cases in microseconds and leaves the rest (None) to Math-Verify; it also holds back what
Math-Verify is known to get wrong: numbers in another base, ellipses, words read as products of letters.
"""

import re
from dataclasses import dataclass

from workbench.rewards.numbers import read_number, same_number

PLAIN_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "×": r"\times ", "÷": "/", "π": r"\pi ", "∞": r"\infty ", "√": r"\sqrt"}
)
PLAIN_SIGNS |= str.maketrans(
    {"≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "°": r"^\circ ", "\u00a0": " ", "…": r"\ldots "}
)
REPLACED = (
    (
        re.compile(r"(?<!\\)\\[!,;:]|\{,\}(?=\d{3})|\\(?:left|right)(?![a-zA-Z])"),
        lambda found: "," * ("{" in found.group()),
    ),
    (re.compile(r"(?<!\\)\\[()\[\]]|\\?\$"), lambda found: " "),
    (re.compile(r"\\[dtc]frac(?![a-zA-Z])"), lambda found: r"\frac"),
    (re.compile(r"(?<!\\)\\ |~|\s+"), lambda found: " "),
    (re.compile(r"\\%"), lambda found: "%"),
    (re.compile(r"\\(?:mathrm|rm)\s*\{\s*([a-z])\s*\}"), lambda found: found[1]),  # an upright e is e
)
WRAPPED = re.compile(r"(\*\*|__|`|\*)(?P<inner>.+)\1", re.DOTALL)
WORDING = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s*\{([^{}]*)\}")
ELLIPSIS = re.compile(r"\\[lc]?dots(?![a-zA-Z])|\.\.\.")
BASED = re.compile(r"(?P<digits>[0-9A-Za-z.]*\d[0-9A-Za-z.]*)_\{?(?P<base>\d+)\}?")
CHOICE = re.compile(r"\(?(?P<letter>[A-Z])\)?|\(?(?P<named>[A-Z])[).:]\s.*", re.DOTALL)


@dataclass(frozen=True)
class Verdict:
    """Right, wrong, or (None) not to be judged, and what decided it."""

    correct: bool | None
    reason: str


def clean(text: str) -> str:
    r"""A formula without what only concerns its looks.

    >>> clean(r"$\dfrac{1}{2}$."), clean("**73**"), clean(r"1{,}000"), clean(r"x**2"), clean("−3")
    ('\\frac{1}{2}', '73', '1,000', 'x^2', '-3')
    """
    text = text.translate(PLAIN_SIGNS)
    for pattern, replacement in REPLACED:
        text = pattern.sub(replacement, text)
    text = text.strip().rstrip(".,;:\\ ")
    wrapped = WRAPPED.fullmatch(text)
    text = wrapped["inner"].strip() if wrapped else text
    return text.replace("**", "^")


def plain_words(text: str) -> str:
    r"""A text with its LaTeX wordings as words.

    >>> plain_words(r"12\text{ cm}"), plain_words(r"\text{Tuesday}")
    ('12 cm', 'Tuesday')
    """
    return re.sub(r"\s+", " ", WORDING.sub(r" \1 ", text)).strip()


def decide(reference: str, answer: str) -> Verdict | None:
    """The verdict on two cleaned texts, or None where it takes computer algebra."""
    if not reference:
        return Verdict(None, "the reference answer is empty")
    if not answer:
        return Verdict(False, "the answer is empty")
    if squeeze(reference) == squeeze(answer):
        return Verdict(True, "same text")
    if ELLIPSIS.search(reference):
        return Verdict(None, "the reference has an ellipsis, which only reads as text, and the texts differ")
    if ELLIPSIS.search(answer):
        return Verdict(False, "an ellipsis stands in the answer and none in the reference")
    return decide_base(reference, answer) or decide_words(plain_words(reference), plain_words(answer))


def squeeze(text: str) -> str:
    """A text for comparison letter by letter: no spaces around signs, one elsewhere.

    >>> squeeze("a_3 = 2,  x in A")
    'a_3=2,x in A'
    """
    return re.sub(r"\s*([^\w\s]|_)\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


def decide_base(reference: str, answer: str) -> Verdict | None:
    """Numbers with their base as an index; Math-Verify passes over the index.

    A base that only the reference names may be left out; one that only the answer names must be ten.
    """
    given, wanted = BASED.fullmatch(answer), BASED.fullmatch(reference)
    if wanted is not None:
        digits, base = (given["digits"], given["base"]) if given else (answer, wanted["base"])
        same = base == wanted["base"] and digits.casefold() == wanted["digits"].casefold()
        return Verdict(same, "digits and base compared")
    if given is not None and given["base"] != "10":
        return Verdict(False, f"the answer is in base {given['base']}, the reference is not")
    return None


def decide_words(reference: str, answer: str) -> Verdict | None:
    """Letters of a choice, words, and plain numbers."""
    wanted, given = choice(reference), choice(answer)
    if wanted and given:
        return Verdict(wanted == given, "letters of a choice compared")
    if re.fullmatch(r"[A-Za-z' -]*[A-Za-z]{4,}[A-Za-z' -]*", reference):
        return Verdict(reference.casefold() == answer.casefold(), "words compared")
    number, other = read_number(reference), read_number(answer)
    same = same_number(number, other) if number and other else None
    return None if same is None else Verdict(same, "numbers compared")


def choice(text: str) -> str:
    """The letter of a multiple choice, or nothing.

    >>> choice("(C)"), choice("C) 1000"), choice("A or B"), choice("x")
    ('C', 'C', '', '')
    """
    found = CHOICE.fullmatch(text)
    return (found["letter"] or found["named"]) if found else ""
