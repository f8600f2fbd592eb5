"""Numbers that are spelled out: `twelve`, `one hundred and five`, `three quarters`, `two and a half`."""

from fractions import Fraction

ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
#: Scales that may follow a number in digits.
FOLLOWING = {**SCALES, "dozen": 12, "score": 20, "k": 10**3}
DENOMINATORS = {
    "half": 2, "halves": 2, "quarter": 4, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12, "sixteenth": 16, "twentieth": 20, "hundredth": 100,
    "thousandth": 1000,
}  # fmt: skip
DENOMINATORS |= {f"{word}s": number for word, number in DENOMINATORS.items() if word not in ("half", "halves")}


def spelled(words: list[str]) -> tuple[Fraction, int] | None:
    """The number that a list of words begins with, and how many words it takes; None where it begins with none.

    >>> spelled("twenty-one apples".replace("-", " ").split()), spelled(["three", "quarters"]), spelled(["pi"])
    ((Fraction(21, 1), 2), (Fraction(3, 4), 2), None)
    >>> spelled("two and a half".split()), spelled("a dozen eggs".split()), spelled("one hundred and five".split())
    ((Fraction(5, 2), 4), (Fraction(12, 1), 2), (Fraction(105, 1), 4))
    """
    if words[:1] in (["half"], ["a"], ["an"]):
        return with_article(words)
    whole, taken = whole_number(words)
    if not taken:
        return None
    rest = words[taken:]
    if rest and rest[0] in DENOMINATORS:
        return Fraction(whole, DENOMINATORS[rest[0]]), taken + 1
    if rest[:1] == ["dozen"]:
        return Fraction(12 * whole), taken + 1
    if rest[:1] == ["and"]:
        part = with_article(rest[1:]) if rest[1:2] and rest[1] in ("a", "an", "half") else fraction(rest[1:])
        if part and part[0] < 1:
            return whole + part[0], taken + 1 + part[1]
    return Fraction(whole), taken


def with_article(words: list[str]) -> tuple[Fraction, int] | None:
    """`half`, `a half`, `a third`, `a dozen`, `a hundred`."""
    article = words[0] in ("a", "an")
    rest = words[1:] if article else words
    if not article and words[1:2] and words[1] in ("a", "an") and len(words) > 2:
        return Fraction(1, 2), 2  # half an hour
    if rest[:1] == ["half"] or (article and rest[:1] and rest[0] in DENOMINATORS and not rest[0].endswith("s")):
        return Fraction(1, DENOMINATORS[rest[0]]), 1 + article
    if article and rest[:1] == ["dozen"]:
        return Fraction(12), 2
    if article and rest[:1] and rest[0] in SCALES:
        return Fraction(SCALES[rest[0]]), 2
    return None


def fraction(words: list[str]) -> tuple[Fraction, int] | None:
    """`three quarters`."""
    whole, taken = whole_number(words)
    if taken and words[taken : taken + 1] and words[taken] in DENOMINATORS:
        return Fraction(whole, DENOMINATORS[words[taken]]), taken + 1
    return None


def whole_number(words: list[str]) -> tuple[int, int]:
    """The whole number a list of words begins with, and how many words it takes (0: none)."""
    total, current, taken, place = 0, 0, 0, 0
    room = 10**15  # what the next word must stay below: ones after tens, tens after hundreds
    for place, word in enumerate(words, 1):
        if word in ONES or word in TENS:
            value = ONES.get(word, TENS.get(word, 0))
            if room <= (value if value >= 10 else 9) and not (value < 10 and room == 10):
                break
            current, room, taken = current + value, 10 if value >= 20 else 1, place
        elif word == "hundred" and taken and 0 < current < 100:
            current, room, taken = current * 100, 100, place
        elif word in SCALES and word != "hundred" and taken and current:
            total, current, room, taken = total + current * SCALES[word], 0, 10**15, place
        elif word == "and" and taken == place - 1 and words[place - 2] in SCALES:
            continue
        else:
            break
    return total + current, taken
