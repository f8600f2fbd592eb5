"""Where an answer ends: the rest of a line is not all of it, and the number alone may be too little of it."""

import re
from dataclasses import dataclass

from workbench.rewards.grading.numbers import read_number
from workbench.rewards.grading.typography import clean
from workbench.rewards.grading.units import read_unit

TAIL = 400  # characters before the last number that are looked at
STARS = re.compile(r"\*\*(?![\w(])|(?<![\w)}])\*\*")
HEDGE = re.compile(
    r"\b(?:or|maybe|perhaps|possibly|alternatively|either|could|might|also|another|too|unless|otherwise)\b",
    re.IGNORECASE,
)
DENIED = re.compile(r"(?:\bnot|n't|\bnever|\bneither|\bnor|\bor|\bcannot be|\\neq?|≠|!=)[\s$:*(\\{]*$", re.IGNORECASE)
OFFERED = re.compile(
    r"^[\s$).,*\\\]]{0,8}(?:or|and/or|nor|if|unless|is (?:wrong|incorrect|not)|isn't|maybe)\b", re.IGNORECASE
)
TAKEN_BACK = re.compile(  # what stands right behind an answer and gives another one, or says that it is wrong
    r"^[\s.?!,;:*_()$\\\]–—-]{0,12}(?:(?:which|that|this|it)(?:\sis|['’]s|\swas)\s(?:wrong|incorrect|not\s(?:correct|right))"
    r"|(?P<turn>no(?=[\s,.!:–—-]{1,4}(?:wait|it|that|actually|sorry|the|[0-9$(\\]|[A-J]\b))|wait|actually|sorry|oops"
    r"|hmm+|correction|scratch\sthat|or))\b",
    re.IGNORECASE,
)
SIGNS = re.compile(r"[0-9]+(?:[.,][0-9]+)*|(?<![A-Za-z'])[A-HJ](?![A-Za-z'])")
FORMULA = re.compile(r"\$\$(.{1,1500}?)\$\$|\$([^$\n]{1,800})\$|\\\((.{1,800}?)\\\)|\\\[(.{1,1500}?)\\\]", re.DOTALL)
END = re.compile(
    r"[.!?](?=[\s*_]|$)(?<!\b[ap]\.m\.)(?<!\bSt\.)(?<!\bMr\.)(?<!\bDr\.)|[。；]|\s[—–-]{1,2}\s(?=[A-Za-z])|</|<\||;\s"
    r"|,?\s\b(?:because|since|as|so|which|where|when|while|hence|therefore|thus|due to|by|given|after|with|namely)\b"
    r"|,\s(?:not|the|we|it|he|she|they|this|that|i)\b|,?\s(?:not|but not|rather than|instead of)\s",
    re.IGNORECASE,
)
DIGITS = r"[-+−]?[$€£]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
NUMBER = re.compile(rf"(?<![\w.]){DIGITS}(?:\s?/\s?[0-9]+)?(?:\s?%)?|(?<![\w.])[-+−]?\.[0-9]+%?")
SOLE = re.compile(rf"(?<!\d){DIGITS}(?:/[0-9]+)?%?|(?<!\d)[-+−]?\.[0-9]+%?")
DIGIT = re.compile(r"[0-9]")
WORD = re.compile(r"[A-Za-z]{2,}")
SAYS = re.compile(  # a sentence that says what something is, and no answer by itself
    r"\b(?:is|are|was|were|equals?|gives?|makes?|yields?|becomes?|totals?|(?:it|that|there)['’]?s)\b", re.IGNORECASE
)
TURNING = re.compile(
    r"\b(?:not|no|none|never|neither|nor|or|less|more|least|most|fewer|greater|between|either|except|without|cannot|\w+n't)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Found:
    """An answer and where it stood; without an answer, `missing` says why."""

    text: str = ""
    source: str = ""
    missing: str = ""


def with_unit(content: str, after: str) -> str:
    r"""The content of a box with the unit that stands right behind it.

    >>> with_unit("5", r"\text{ km}$ in all"), with_unit("5", " because"), with_unit("42", r"\% of it")
    ('5 km', '5', '42%')
    """
    found = re.match(
        r"\s?(?:\\(?:text|mathrm)\s*\{([^{}]{1,20})\}|(\\?%|[a-zA-Z°]{1,12}(?:\^[23])?(?:/[a-z]{1,6})?(?![\w'])))",
        after,
    )
    unit = (found[1] or found[2]).replace("\\", "").strip() if found else ""
    if not unit or not DIGIT.search(content):
        return content
    if unit == "%":
        return f"{content}%"
    known = read_unit(unit)
    return f"{content} {unit}" if known is not None and known.powers and read_number(clean(content)) else content


def taken_back(answer: str, behind: str) -> str:
    """Why an answer does not count for what stands right behind it; empty where it counts.

    A second look that ends with the same number or letter confirms it.

    >>> taken_back("15", "? No, 16."), taken_back("15", ". Wait, 3 times 5 is 15."), taken_back("C", ".. or D")
    ('the answer is taken back right behind it', '', 'the answer is taken back right behind it')
    """
    found = TAKEN_BACK.match(behind[:200])
    if found is None:
        return ""
    own, others = SIGNS.findall(answer), SIGNS.findall(behind[found.end() : 200].split("\n\n")[0])
    if own:  # numbers are replaced by numbers, letters by letters
        others = [other for other in others if other[0].isdigit() == own[-1][0].isdigit()]
    if found["turn"] and (not others or (own and others[-len(own) :] == own)):
        return ""
    return "the answer is taken back right behind it"


def shortened(rest: str) -> Found:
    r"""The answer at the beginning of a text: a formula in its delimiters, or the line to where its answer ends.

    >>> shortened("B because 2 + 2 = 4").text, shortened("**7**.").text, shortened("$\\frac12$ of it").text
    ('B', '7', '\\frac12')
    >>> shortened("that she has 12 apples").text, shortened("12 (twelve)").text, shortened("5 or 6").text
    ('12 apples', '12', '5 or 6')
    """
    rest = STARS.sub("", rest.lstrip(" \t\r\n*:_"))
    rest = rest.strip("`").strip() if rest.startswith("`") else rest
    formula = FORMULA.match(rest)
    if formula:
        inner = next(group for group in formula.groups() if group is not None).strip()
        after = rest[formula.end() : formula.end() + 60]
        if not OFFERED.match(after) and not re.match(r"\s*(?:,|and\b|\$|[-+*/=^<>]|\\[a-z])", after):
            back = taken_back(inner, rest[formula.end() :])
            if back or not inner:
                return Found(missing=back or "nothing stands in the formula")
            return Found(with_unit(inner, after), "marker")
    line = rest.split("\n", 1)[0].strip()
    end = END.search(line, 1)
    if line.startswith(("$", "\\(")) and line.count("$") % 2 == 0 and end and line[: end.start()].count("$") % 2:
        end = None  # the end was found inside a formula
    answer = line[: end.start()] if end else line
    answer = without_remark(answer.strip().rstrip("*_` ,"))
    if not clean(answer):
        return Found(missing="nothing follows the last answer marker")
    back = taken_back(answer, rest.lstrip()[end.start() if end else len(line) :])
    return Found(missing=back) if back else prose(answer)


def without_remark(answer: str) -> str:
    """An answer without a remark in brackets behind it; a remark that offers another answer stays.

    >>> without_remark("12 (twelve)"), without_remark("12 (or 13)"), without_remark("f(x)"), without_remark("(1, 2)")
    ('12', '12 (or 13)', 'f(x)', '(1, 2)')
    """
    found = re.fullmatch(r"(.*[\w%$}*]\*{0,2})\s+\(([^()]{1,200})\)\s*", answer)
    if (
        found is None
        or taken_back(found[1], found[2])
        or HEDGE.search(found[2])
        or re.search(r"\b(?:not|wrong|if)\b|mod", found[2])
        or len(found[2].strip()) < 2
    ):
        return answer
    return found[1].strip()


def prose(answer: str) -> Found:
    """An answer as it is, or the one number of a sentence; a sentence with several numbers has none."""
    text = clean(answer)
    wordy = len(WORD.findall(text)) >= 3 and "\\" not in text and "=" not in text
    if not wordy or read_number(text) is not None:
        return Found(answer, "marker")
    numbers = [found[0] for found in SOLE.finditer(text)]
    if len(numbers) == 1 and not TURNING.search(text):
        place = text.index(numbers[0])
        quantity = next(
            (text[place:end] for end in range(len(text), place, -1) if read_number(text[place:end])), numbers[0]
        )
        return Found(quantity, "the only number behind the marker")
    return Found(answer, "marker")


def whole_text(text: str) -> Found | None:
    """A short text that is nothing but an answer; of a sentence, however short, a part is the answer.

    >>> whole_text("12 km").text, whole_text("8 + 6 equals 14"), whole_text("It's 14")
    ('12 km', None, None)
    """
    short = text.strip()
    if not short or len(short) > 80 or "\n" in short or SAYS.search(short):
        return None
    if re.fullmatch(r"(?:option|choice)\s+\(?[A-Ja-j]\)?\.?", short, re.IGNORECASE):
        return Found(short, "whole text")
    few = len(WORD.findall(clean(short))) <= 1 or read_number(clean(short)) is not None
    return Found(short, "whole text") if few and re.search(r"\w", short) else None


def last_number(text: str) -> Found:
    """The last number of a text with the unit behind it, unless it is one of several or taken back."""
    last = max(text.rfind(digit) for digit in "0123456789")
    if last < 0:
        return Found(missing='no <answer> tags, no \\boxed{}, no "answer:" or "####", and no number in the text')
    window = text[max(0, last - TAIL) : last + 60]
    numbers = [found for found in NUMBER.finditer(window) if found.start() <= last - max(0, last - TAIL)] or list(
        SOLE.finditer(window)
    )
    if not numbers:
        return Found(missing="the last number of the text cannot be read")
    found = numbers[-1]
    before, after = window[: found.start()], re.split(r"[\n]|[.!?;](?:\s|$)", window[found.end() :], maxsplit=1)[0]
    if DENIED.search(before[-30:]) or OFFERED.match(after):
        return Found(missing=f"the last number {found[0].strip()!r} is one of several, or taken back")
    return Found(quantity_at(before, found[0].strip(), after), "last number")


def quantity_at(before: str, number: str, after: str) -> str:
    """A number with the words around it that belong to its quantity.

    >>> quantity_at("it is 5 dollars and ", "50", " cents"), quantity_at("so 2 + 2 = ", "4", "")
    ('5 dollars and 50 cents', '4')
    """
    whole = re.search(r"[$€£]?[0-9][0-9,.]*\s+[a-z]+,?\s+(?:and\s+)?$|[0-9]+\s+$", before[-40:])
    text = number + after.rstrip("*_`$ ")
    if whole and read_number(clean(whole[0] + text)):
        return whole[0] + text
    equation = re.search(r"(?<![\w.+*/^)=-])\s([0-9][0-9,.]*)\s*=\s*$", " " + before[-40:])
    if equation and not re.search(r"[-+*/x×÷^=)]\s*$", (" " + before[-40:])[: equation.start() + 1]):
        return f"{equation[1]} = {number}"
    for end in (len(text), *(place for place in range(len(text) - 1, len(number), -1) if text[place] == " ")):
        quantity = read_number(clean(text[:end]))
        if quantity is not None and (
            quantity.unit.powers or end == len(text) or quantity.form == "fraction" or quantity.percent
        ):
            return text[:end]
    return number
