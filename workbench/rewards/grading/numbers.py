r"""Numbers as people write them, exactly: `$1,200.50`, `50%`, `5 thousand`, `7\frac{3}{4}`, `3 h 20 min`, `1.234,5`."""

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from workbench.rewards.grading.spelled import DENOMINATORS, FOLLOWING, spelled
from workbench.rewards.grading.units import NONE, Unit, read_unit, same_kind

LONGEST = 400  # characters; longer texts are no number with a unit
LARGEST = 999  # size of a power of ten
ROUNDED = 6  # decimals and digits that a rounded answer to an endless decimal needs at least
CURRENCY = "$€£¥₹₩"

Form = Literal["whole", "decimal", "fraction", "words", "power"]

GROUPED = r"[0-9]{1,3}(?:(?:,[0-9]{3})+|(?: [0-9]{3})+|(?:'[0-9]{3})+)|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
FRACTION = (
    r"\\frac\s*(?:\{\s*(?P<up>[-+]?[0-9]+)\s*\}|(?P<up1>[0-9]))\s*(?:\{\s*(?P<down>[-+]?[0-9]+)\s*\}|(?P<down1>[0-9]))"
)
NUMBER = re.compile(
    r"(?P<sign>[-+]?)\s*(?P<money>[$€£¥₹₩])?\s*(?P<inner>[-+]?)\s*(?:"
    rf"(?:(?P<whole>[0-9]{{1,40}})\s*(?:\s|and\s|(?=\\frac)))?(?:{FRACTION}"
    r"|(?P<above>[0-9]+)\s*(?:/|\\div)\s*(?P<below>-?[0-9]+)(?![0-9.,]))"
    r"|(?P<euro>[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}|[0-9]{1,3}(?: [0-9]{3})+,[0-9]+)"
    r"|10\s*\^\s*(?:\{\s*(?P<ten>[-+]?[0-9]+)\s*\}|(?P<ten1>-?[0-9]+))"
    rf"|(?P<digits>(?:(?:{GROUPED})(?![0-9])|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:\\(?:overline|bar|dot)\s*\{?(?P<period>[0-9]+)\}?|\((?P<period1>[0-9]+)\))?"
    r"(?:[eE](?P<exponent>[-+]?[0-9]+)(?![0-9a-zA-Z])"
    r"|\s*(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*(?:\{\s*(?P<exponent1>[-+]?[0-9]+)\s*\}|(?P<exponent2>-?[0-9]+)))?"
    r")(?![0-9])"
)
PERCENT = re.compile(r"\s*(?:%|\b(?:percent|per cent|pct)\b\.?)(?:\s*age points?)?", re.IGNORECASE)
JOINED = re.compile(r"\s*(?:,?\s*and\s+|,\s*)?(?=[0-9])")
FEET = re.compile(r"([0-9]+)\s*'\s*(?:([0-9]+)\s*\"\s*)?$")


@dataclass(frozen=True)
class Quantity:
    """An exact number, the unit behind it, and the form it was written in."""

    value: Fraction
    unit: Unit = NONE
    percent: bool = False
    form: Form = "whole"
    decimals: int = 0  # digits behind the point
    text: str = ""

    @property
    def base(self) -> Fraction:
        """The value in base units."""
        return self.value * self.unit.scale + self.unit.offset


def read_number(text: str) -> Quantity | None:
    """The quantity a cleaned text consists of; None where it is anything else, a formula for instance.

    >>> read_number("$1,200.50").value, read_number("5 thousand").value, read_number("-3/4").value
    (Fraction(2401, 2), Fraction(5000, 1), Fraction(-3, 4))
    >>> read_number("18 red apples").unit.nouns, read_number("2 pi"), read_number("32, 349"), read_number("5 x")
    (('red', 'apple'), None, None, None)
    >>> read_number("3 sevenths").value, read_number("twelve apples").value, read_number("3 h 20 min").value
    (Fraction(3, 7), Fraction(12, 1), Fraction(10, 3))
    """
    if not text or len(text) > LONGEST:
        return None
    if text[0] in "mMnN":
        text = re.sub(r"^(?:minus|negative)\s+(?=[0-9$])", "-", text, flags=re.IGNORECASE)
    if FEET.fullmatch(text):
        text = FEET.sub(lambda found: f"{found[1]} ft {found[2]} in" if found[2] else f"{found[1]} ft", text)
    if text[-1:] in "%0123456789." and (found := NUMBER.fullmatch(text.rstrip("%. "))) and "%" not in text[:-1]:
        return finish(found, "%" if text[-1] == "%" else "", text)
    if not (text[0].isascii() or text[0] in CURRENCY):
        return None
    found = NUMBER.match(text)
    if found is None:
        return read_spelled(text)
    return compound(text, found)


def compound(text: str, found: re.Match[str]) -> Quantity | None:
    """One quantity, or several of one dimension behind each other: `5 dollars and 50 cents`."""
    parts: list[Quantity] = []
    while found:
        following = re.compile(r"(?:(?:,?\s+and\s+|,\s+)|(?<=[a-zA-Zé])\s+)(?=[0-9$])").search(text, found.end())
        end = following.start() if following else len(text)
        part = finish(found, text[found.end() : end], text)
        if part is None:
            return finish(found, text[found.end() :], text) if not parts else None
        parts.append(part)
        if following is None:
            break
        found_next = NUMBER.match(text, following.end())
        if found_next is None:
            return None
        found = found_next
    first = parts[0]
    if len(parts) == 1:
        return first
    alike = all(part.unit.powers == first.unit.powers != () and part.form == "whole" for part in parts)
    falling = all(one.unit.scale > other.unit.scale for one, other in pairwise(parts))
    if not alike or not falling or any(part.value < 0 for part in parts[1:]):
        return None
    value = sum((part.value * part.unit.scale / first.unit.scale for part in parts), Fraction(0))
    return Quantity(value, first.unit, form="decimal", text=text)


def finish(found: re.Match[str], rest: str, text: str) -> Quantity | None:
    """A number with what stands behind it: scale, percent sign, unit."""
    read = read_size(found)
    if read is None or (found["sign"] and found["inner"]):
        return None
    value, form, decimals = read
    value = -value if "-" in (found["sign"], found["inner"]) else value
    percent = PERCENT.match(rest)
    if percent:
        if found["money"] or not tail(rest[percent.end() :]):
            return None
        return Quantity(value, NONE, True, form, decimals, text)
    scaled = re.match(r"\s*(k(?![a-zA-Z])|(?<![a-zA-Z])[a-zA-Z]{3,})", rest)
    word = scaled[1].lower() if scaled else ""
    if word in FOLLOWING or word in DENOMINATORS:
        if form not in ("whole", "decimal") or (word in DENOMINATORS and (form != "whole" or not rest[:1].isspace())):
            return None
        value = value * FOLLOWING[word] if word in FOLLOWING else value / DENOMINATORS[word]
        form, rest = "decimal" if word in FOLLOWING else "fraction", rest[scaled.end() :] if scaled else rest
    unit = with_money(found["money"], rest)
    return None if unit is None else Quantity(value, unit, False, form, decimals, text)


def tail(rest: str) -> bool:
    """Is what stands behind a percent sign only what it is a share of?"""
    return not rest.strip() or bool(re.fullmatch(r"\s+(?:of|chance|discount|increase|decrease|off)\b[a-zA-Z ]*", rest))


def with_money(sign: str | None, rest: str) -> Unit | None:
    """The unit behind a number, or that of the currency before it."""
    if not sign:
        if not rest.strip():
            return NONE
        if rest[0].isalpha() and len(re.split(r"[^a-zA-Zμ]", rest, maxsplit=1)[0]) < 2:
            return None  # `5m` may be a product
        unit = read_unit(rest)
        return unit if unit is None or not rest[0].isalpha() or unit.powers else None
    money, unit = read_unit(sign), read_unit(rest) if rest.strip() else NONE
    if unit is None or money is None:
        return None
    if unit.powers and all(power < 0 for _, power in unit.powers):  # `$5 per hour`
        return Unit(tuple(sorted((*money.powers, *unit.powers))), money.scale * unit.scale, nouns=unit.nouns)
    return replace(money, nouns=unit.nouns) if unit.powers in ((), money.powers) else None


def read_size(found: re.Match[str]) -> tuple[Fraction, Form, int] | None:
    r"""The digits of a number as a fraction, their form, and how many stand behind the point; None if they make none.

    >>> read_number("7 3/4").value, read_number(r"1.5 \times 10^{3}").value, read_number(r"0.1\overline{6}").value
    (Fraction(31, 4), Fraction(1500, 1), Fraction(1, 6))
    """
    above, below = found["up"] or found["up1"] or found["above"], found["down"] or found["down1"] or found["below"]
    if above:
        if int(below) == 0 or (found["whole"] and (int(above) < 0 or int(below) < 0 or int(above) >= int(below))):
            return None
        return int(found["whole"] or 0) + Fraction(int(above), int(below)), "fraction", 0
    power = found["ten"] or found["ten1"]
    if power:
        return (Fraction(10) ** int(power), "power", 0) if abs(int(power)) <= LARGEST else None
    if found["euro"]:
        digits = found["euro"].replace(".", "").replace(" ", "").replace(",", ".")
    else:
        digits = re.sub("[, ']", "", found["digits"])
    period = found["period"] or found["period1"]
    exponent = found["exponent"] or found["exponent1"] or found["exponent2"] or "0"
    if abs(int(exponent[:7])) > LARGEST or (period and "." not in digits):
        return None
    size, places = Fraction(digits), len(digits.partition(".")[2])
    if period:
        return size + Fraction(int(period), (10 ** len(period) - 1) * 10**places), "fraction", 0
    return (
        size * Fraction(10) ** int(exponent),
        "decimal" if places or int(exponent) else "whole",
        max(0, places - int(exponent)),
    )


def read_spelled(text: str) -> Quantity | None:
    """A number in words, with its unit."""
    if not re.match(r"[-+]?\s*[a-zA-Z]", text):
        return None
    words = text.lower().replace("-", " ").split()
    sign = -1 if words[:1] in (["minus"], ["negative"]) else 1
    words = words[1:] if sign < 0 else words
    found = spelled(words)
    if found is None:
        return None
    rest = " ".join(words[found[1] :])
    percent = PERCENT.match(rest)
    if percent:
        return Quantity(sign * found[0], NONE, True, "words", 0, text) if tail(rest[percent.end() :]) else None
    unit = read_unit(rest) if rest else NONE
    return None if unit is None else Quantity(sign * found[0], unit, False, "words", 0, text)


def same_number(reference: Quantity, answer: Quantity) -> bool:
    """Are two quantities the same? A unit that one leaves out is no difference, another unit is.

    A percentage equals its share (50 % = 0.5), and its bare number too, since a question "how many percent" is
    answered by either; not where the bare number is at most 1 and could be the share itself.

    >>> same_number(read_number("0.5"), read_number("50%")), same_number(read_number("5 km"), read_number("5 miles"))
    (True, False)
    >>> same_number(read_number("5 km"), read_number("5000 m"))
    True
    """
    if reference.percent != answer.percent:
        percent, other = (reference, answer) if reference.percent else (answer, reference)
        if other.unit:
            return False
        return other.value == percent.value / 100 or (abs(other.value) > 1 and other.value == percent.value)
    if not same_kind(reference.unit, answer.unit):
        return False
    both = bool(reference.unit.powers and answer.unit.powers == reference.unit.powers)
    wanted, given = (reference.base, answer.base) if both else (reference.value, answer.value)
    if wanted == given:
        return True
    rounded = (
        rounding(answer) if reference.form == "fraction" else rounding(reference) if answer.form == "fraction" else None
    )
    endless = not terminates(wanted) or not terminates(given)
    return bool(rounded and endless and not both and abs(wanted - given) <= rounded)


def rounding(quantity: Quantity) -> Fraction | None:
    """How far a decimal with enough digits may be from what it stands for; None where it has too few.

    >>> rounding(read_number("0.333333")), rounding(read_number("0.333"))
    (Fraction(1, 1000000), None)
    """
    enough = quantity.decimals >= ROUNDED and abs(quantity.value) * 10**quantity.decimals >= 10 ** (ROUNDED - 1)
    return Fraction(1, 10**quantity.decimals) if enough and quantity.form == "decimal" else None


def terminates(value: Fraction) -> bool:
    """Does a fraction have a finite decimal form?

    >>> terminates(Fraction(3, 40)), terminates(Fraction(1, 3))
    (True, False)
    """
    bottom = value.denominator
    for prime in (2, 5):
        while bottom % prime == 0:
            bottom //= prime
    return bottom == 1
