r"""Is an answer the task restated: an expression that is left to be evaluated?"""

import re

from workbench.rewards.grading.numbers import Quantity

#: Signs that ask for a calculation; an answer may have them only where the reference has them.
OPERATIONS = re.compile(
    r"\\(?:sum|prod|int|iint|oint|lim|binom|dbinom|tbinom|choose|det|gcd|lcm|max|min|lfloor|lceil|bmod|pmod|mod|partial"
    r"|div)(?![a-zA-Z])|(?<![a-zA-Z])(?:gcd|lcm|max|min|mod|choose|C|P)\s*\(|!|//|\bchoose\b|\\frac\s*\{\s*d\s*\}"
)
#: Two plain numbers with a sign between them; powers of numbers.
ARITHMETIC = re.compile(
    r"(?<![\w.^{])[0-9.]+\s*[-+]\s*[0-9.]+(?![\w.]*\s*[\\a-zA-Z(^_])"
    r"|(?<![\w.])[0-9.]+\s*(?:\\times|\\cdot|\\ast|\*)\s*[0-9.]+(?!\s*\^)"
    r"|(?<![\w.\\}])[0-9.]+\s*\^\s*\{?\s*[0-9]+(?![0-9]|\s*/)"
)
TOKEN = re.compile(r"\\[a-zA-Z]+|[0-9]+(?:\.[0-9]+)?|[^\s{}]")
LONGER = 2.0  # an answer may have so many times the signs of the reference, and a few more
MORE = 8


def restated_number(reference: Quantity, answer: Quantity) -> str:
    r"""Why a fraction is a division left to do; empty where it is a number.

    >>> from workbench.rewards.grading.numbers import read_number
    >>> restated_number(read_number("12"), read_number("144/12"))
    'a division that is left to do'
    >>> restated_number(read_number("3/4"), read_number("6/8"))
    ''
    """
    if answer.form != "fraction" or not re.search(r"/|\\frac|\\div", answer.text):
        return ""
    if reference.text == answer.text:
        return ""
    above_below = re.findall(r"[0-9]+", answer.text)
    if answer.value.denominator == 1 and not answer.unit and not reference_fraction(reference):
        return "a division that is left to do"
    if r"\div" in answer.text:
        return "a division that is left to do"
    reduced = len(above_below) != 2 or int(above_below[1]) == answer.value.denominator
    if reference.form in ("whole", "decimal") and not reduced:
        return "a division that is left to do"
    return ""


def reference_fraction(reference: Quantity) -> bool:
    """Whether the reference itself is written as a fraction."""
    return reference.form == "fraction"


def restated(reference: str, answer: str) -> str:
    r"""Why an answer is left to be evaluated where the reference is not; empty where it is not.

    >>> restated(r"7\pi", r"3 \times 2\pi + \pi"), restated("x^2 + 2x + 1", "(x+1)^2")
    ("'3 \\\\times 2' is left to be evaluated", '')
    >>> bool(restated("8x", "2^3 x")), restated(r"\frac{x+2}{7}", r"\frac{x}{7} + \frac{2}{7}")
    (True, '')
    """
    for pattern in (OPERATIONS, ARITHMETIC):
        found = pattern.search(answer)
        if found and not pattern.search(reference):
            return f"{found[0].strip()!r} is left to be evaluated"
    wanted, given = len(TOKEN.findall(reference)), len(TOKEN.findall(answer))
    if given > LONGER * wanted + MORE:
        return f"{given} signs where the reference has {wanted}: an expression that is left to be simplified"
    return ""
