r"""Plain numbers as people write them: `$1,200.50`, `50%`, `5 thousand`, `7\frac{3}{4}`, `18 dollars per day`."""

import re
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 200  # characters; longer texts are no plain number
SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
#: Units too short to be told from products of variables.
SHORT_UNITS = frozenset(re.findall(r"\w+", "cm mm km kg mg ml cl ft mi lb lbs oz hr hrs min sec mph kmh am pm gb mb"))
#: Words behind a number that change it, so that it is no plain number with a unit.
ALGEBRA = frozenset(
    re.findall(
        r"\w+",
        "pi sqrt sin cos tan cot csc log ln exp mod or and plus minus over times divided by half halves third thirds "
        "quarter quarters fourth fourths fifth fifths sixth sixths squared cubed factorial choose to base power",
    )
)
#: LaTeX that stands for plain digits: fractions, powers of ten.
LATEX = (
    (
        re.compile(r"\\frac\s*(?:\{(\d+)\}|(\d))\s*(?:\{(\d+)\}|(\d))"),
        lambda found: " {}{}/{}{}".format(*found.groups("")),
    ),
    (
        re.compile(r"(?<=\d)\s*(?:\\times|\\cdot|\*)\s*10\^(?:\{([-+]?\d{1,3})\}|(\d))"),
        lambda found: "e" + "".join(found.groups("")),
    ),
)
PLAIN = re.compile(
    r"(?P<sign>[-+]?)\s*[$€£¥]?\s*(?P<inner>[-+]?)(?:(?P<whole>\d+)\s+(?=\d+\s*/))?"
    r"(?P<digits>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d*)?|\.\d+)"
    r"(?:\\overline\{(?P<period>\d+)\})?(?:e(?P<exponent>[-+]?\d{1,3}))?(?:\s*/\s*(?P<denominator>\d+))?"
    r"(?:\s*(?P<percent>%|percent\b))?(?P<rest>.*)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Number:
    """An exact number, with the unit that stood behind it (`%` included)."""

    value: Fraction
    unit: str = ""

    @property
    def percent(self) -> bool:
        """Is it a percentage?"""
        return self.unit == "%"


def read_number(text: str) -> Number | None:
    """The number a text consists of; None where it is anything else, a formula for instance.

    >>> read_number("$1,200.50").value, read_number("5 thousand").value, read_number("−3/4").value
    (Fraction(2401, 2), Fraction(5000, 1), Fraction(-3, 4))
    >>> read_number("18 dollars per day"), read_number("2 pi"), read_number("32, 349"), read_number("5 x")
    (Number(value=Fraction(18, 1), unit='dollars per day'), None, None, None)
    """
    if len(text) > LONGEST:
        return None
    for pattern, replacement in LATEX:
        text = pattern.sub(replacement, text)
    found = PLAIN.fullmatch(text.strip().casefold().replace("−", "-").rstrip("."))
    if found is None or (found["sign"] and found["inner"]):
        return None
    scale, unit = read_unit(found["rest"])
    size = read_size(found)
    if unit is None or size is None or (found["percent"] and unit):
        return None
    value = -size if "-" in (found["sign"], found["inner"]) else size
    return Number(value * scale, "%" if found["percent"] else unit)


def read_size(found: re.Match[str]) -> Fraction | None:
    r"""The digits of a number as a fraction; None if they make none.

    >>> read_number("7 3/4").value, read_number(r"1.5 \times 10^{3}").value, read_number(r"0.1\overline{6}").value
    (Fraction(31, 4), Fraction(1500, 1), Fraction(1, 6))
    """
    digits, period, denominator = found["digits"].replace(",", ""), found["period"], int(found["denominator"] or 1)
    if denominator == 0 or (period and "." not in digits):
        return None
    size = Fraction(digits)
    if period:
        places = len(digits.partition(".")[2])
        size += Fraction(int(period), (10 ** len(period) - 1) * 10**places)
    return int(found["whole"] or 0) + size * Fraction(10) ** int(found["exponent"] or 0) / denominator


def read_unit(rest: str) -> tuple[int, str | None]:
    """Scale and unit of what stands behind a number; None for the unit if that is more than words.

    >>> read_unit(" million dollars"), read_unit("cm"), read_unit(" + 3"), read_unit("x")
    ((1000000, 'dollars'), (1, 'cm'), (1, None), (1, None))
    """
    words = rest.split()
    if not words:
        return 1, ""
    if rest[0].isalpha() and words[0] not in SHORT_UNITS:
        return 1, None
    scale = SCALES.get(words[0], 1)
    words = words[1:] if scale > 1 else words
    if not all(re.fullmatch(r"[a-z]+(?:[-/'][a-z]+)*", word) for word in words) or ALGEBRA.intersection(words):
        return 1, None
    if words and len(words[0]) < 3 and words[0] not in SHORT_UNITS:
        return 1, None
    return scale, " ".join(words)


def same_number(reference: Number, answer: Number) -> bool | None:
    """Are two plain numbers the same? None where that takes more than arithmetic: units that differ, or a fraction
    without a finite decimal form against another number (1/3 and 0.333333).

    A unit that one of the two leaves out is no difference. A percentage equals its share (50 % = 0.5), and its bare
    number too, since a question "how many percent" is answered by either.

    >>> same_number(read_number("0.5"), read_number("50%")), same_number(read_number("5 km"), read_number("5 miles"))
    (True, None)
    """
    if reference.percent != answer.percent:
        percent, other = (reference, answer) if reference.percent else (answer, reference)
        return other.value in (percent.value, percent.value / 100)
    if reference.unit and answer.unit and reference.unit.rstrip("s") != answer.unit.rstrip("s"):
        return None
    if reference.value == answer.value or (terminates(reference.value) and terminates(answer.value)):
        return reference.value == answer.value
    return None


def terminates(value: Fraction) -> bool:
    """Does a fraction have a finite decimal form?

    >>> terminates(Fraction(3, 40)), terminates(Fraction(1, 3))
    (True, False)
    """
    digits = value.denominator.bit_length()
    return bool(10**digits % value.denominator == 0)
