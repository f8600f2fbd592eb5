r"""Where in a text the answer stands: after the thinking, in the last box, behind a marker, or the last number.

All searches are linear in the length of the text. The markers, case ignored: `####`, `answer:`, `answer is`, and `A:`
at the beginning of a line.
"""

import re
from dataclasses import dataclass
from typing import Literal

from workbench.rewards.numbers import read_number

Thinking = Literal["cut", "required", "keep"]
Weakest = Literal["boxed", "marked", "number"]

MARKER = re.compile(r"####|\banswer(?:\s+is\b|\**\s*:)\s*:?|^\s*A:", re.IGNORECASE | re.MULTILINE)
NUMBER = re.compile(r"[-+−]?[$€£]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:/\d+)?%?|[-+−]?\.\d+%?")
OPENING = re.compile(r"\\(?:f)?box(?:ed)?(?![a-zA-Z])\s*")
SENTENCE_END = re.compile(r"\.(?=\s|$)")
WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class Extraction:
    """An answer and where it stood; without an answer, `missing` says why."""

    text: str = ""
    source: str = ""
    missing: str = ""


def after_thinking(text: str, end: str, thinking: Thinking) -> Extraction:
    """The part of a text in which an answer counts: behind the last closing think tag.

    An opening tag that is never closed leaves nothing. `required`: without a closing tag there is nothing either, for
    models whose prompt already opens the tag. `keep`: everything counts.
    """
    if thinking == "keep" or not end:
        return Extraction(text)
    cut = text.rfind(end)
    if cut >= 0:
        return Extraction(text[cut + len(end) :])
    if thinking == "required":
        return Extraction(missing=f"no {end} in the text: the thinking never ended")
    opening = end.replace("/", "", 1)
    if opening != end and opening in text:
        return Extraction(missing=f"{opening} is never closed by {end}: the thinking never ended")
    return Extraction(text)


def find_answer(text: str, weakest: Weakest = "number") -> Extraction:
    r"""The answer of a text: its last box, else what follows the last marker, else its last number.

    >>> find_answer(r"so \boxed{7}. No wait, \boxed{\frac{1}{2}}").text
    '\\frac{1}{2}'
    >>> find_answer("He has 3 + 4 = 7.\n#### 7")
    Extraction(text='7', source='marker', missing='')
    >>> find_answer("The answer is that she has 12 apples.").text, find_answer("3 and then 5 remain.").text
    ('12', '5')
    >>> find_answer("no idea").missing
    'no \\boxed{}, no "answer:" or "####", and no number in the text'
    """
    boxes = list(OPENING.finditer(text))
    if boxes:
        return read_box(text, boxes[-1])
    if weakest == "boxed":
        return Extraction(missing=r"no \boxed{} in the text")
    markers = list(MARKER.finditer(text))
    if markers:
        return read_marked(text[markers[-1].end() :])
    if weakest == "marked":
        return Extraction(missing=r'no \boxed{} and no "answer:" or "####" in the text')
    numbers = NUMBER.findall(text)
    if numbers:
        return Extraction(numbers[-1], "last number")
    return Extraction(missing=r'no \boxed{}, no "answer:" or "####", and no number in the text')


def read_box(text: str, opening: re.Match[str]) -> Extraction:
    r"""The content of a box, to the brace that closes it; `\boxed 7` is read to the next space.

    >>> import re
    >>> read_box(r"\boxed{\{1, 2\}}", OPENING.search(r"\boxed{\{1, 2\}}")).text
    '\\{1, 2\\}'
    """
    start = opening.end()
    if text[start : start + 1] != "{":
        found = re.match(r"[^\s$]+", text[start : start + 200])
        return Extraction(found.group().rstrip("."), "box") if found else Extraction(missing=r"\boxed has no content")
    depth = 0
    for brace in re.compile(r"\\.|[{}]", re.DOTALL).finditer(text, start):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            content = text[start + 1 : brace.start()].strip()
            return Extraction(content, "box") if content else Extraction(missing=r"the last \boxed{} is empty")
    return Extraction(missing=r"the last \boxed{ is not closed")


def read_marked(rest: str) -> Extraction:
    """What follows a marker: the rest of the line that is not empty, to the end of its sentence.

    A sentence of words that is no number with a unit gives its last number.
    """
    line = rest.lstrip(" \t\r\n*:").split("\n", 1)[0]
    line = SENTENCE_END.split(line, maxsplit=1)[0].strip()
    if not line:
        return Extraction(missing="nothing follows the last answer marker")
    numbers = NUMBER.findall(line)
    prose = len(WORD.findall(line)) >= 3 and "\\" not in line and "=" not in line
    if prose and numbers and read_number(line) is None:
        return Extraction(numbers[-1], "last number behind the marker")
    return Extraction(line, "marker")
