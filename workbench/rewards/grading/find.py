r"""Where in a text the answer stands: in tags, in a box, behind a marker, or the last number.

Behind the thinking, in this order: the last `<answer>…</answer>`, the last `\boxed{}`, what follows the last marker
(`####`, `answer:`, `the answer is`, a heading `Answer`, `A:` at the beginning of a line), a text that is nothing but
an answer, the last number. Several boxes in one breath are one list. All searches are linear in the length.
"""

import re
from itertools import pairwise
from typing import Literal

from workbench.rewards.grading.ends import (
    DENIED,
    HEDGE,
    OFFERED,
    WORD,
    Found,
    last_number,
    shortened,
    taken_back,
    whole_text,
    with_unit,
)  # fmt: skip
from workbench.rewards.grading.typography import clean

Thinking = Literal["cut", "required", "keep"]
Weakest = Literal["boxed", "marked", "number"]

LINE = 2000  # characters of a line that are read for an answer
BOXES = 8  # the last ones are read
MARKER = re.compile(
    r"####|\b(?:final\s{1,3})?answers?\b(?:\s{1,3}to\s[^\n.:]{1,60})?[*_]{0,3}\s{0,3}(?:\bis\b\s{0,3}:?|are\b\s{0,3}:?|[:=])"
    r"|^[ \t]{0,8}#{1,6}[ \t]{1,4}[*_]{0,2}(?:final[ \t]{1,3})?answer[*_]{0,2}[ \t]{0,4}$"
    r"|^[ \t]{0,8}[*_]{1,3}(?:final[ \t]{1,3})?answer[*_]{1,3}[ \t]{0,4}$"
    r"|^[ \t]{0,8}A:|(?:答案|答)(?:\s{0,3}是|\s{0,3}为)?\s{0,3}[：:]?",
    re.IGNORECASE | re.MULTILINE,
)
CLUES = ("####", "nswer", "NSWER", "A:", "答")  # one of them stands in every marker
TRIES = 200  # places that look like a marker and are none
ANSWER_TAG = "answer"  # the layout that `format` asks for
TAG = re.compile(rf"<(/?){ANSWER_TAG}>", re.IGNORECASE)
BRACE = re.compile(r"(?P<box>\\(?:boxed|fbox)(?![a-zA-Z])[ \t]{0,4}(?P<open>\{)?)|\\.|[{}]", re.DOTALL)
BARE = re.compile(r"[^\s$,;]{1,200}")
CORRECTION = re.compile(
    r"\b(?:no|not|wait|wrong|correct(?:ion|ed|ing)?|actually|mistake|instead|error|sorry|rather|oops|hmm|recheck|fix)\b",
    re.IGNORECASE,
)
CONCLUSION = re.compile(r"\b(?:final(?:ly)?|therefore|thus|hence|so|answer|conclu\w+|result)\b|####", re.IGNORECASE)


def after_thinking(text: str, end: str, thinking: Thinking) -> Found:
    """The part of a text in which an answer counts: behind the last closing think tag.

    An opening tag that is never closed leaves nothing. `required`: without a closing tag there is nothing either, for
    models whose prompt already opens the tag. `keep`: everything counts.
    """
    if thinking == "keep" or not end:
        return Found(text)
    cut = text.rfind(end)
    opening = end.replace("/", "", 1)
    if cut >= 0:
        rest = text[cut + len(end) :]
        return Found(missing=unfinished(opening, end)) if opening != end and opening in rest else Found(rest)
    if thinking == "required":
        return Found(missing=f"no {end} in the text: the thinking never ended")
    return Found(missing=unfinished(opening, end)) if opening != end and opening in text else Found(text)


def unfinished(opening: str, end: str) -> str:
    """What is said of thinking that is never closed."""
    return f"{opening} is never closed by {end}: the thinking never ended"


def find_answer(text: str, weakest: Weakest = "number", marker: re.Pattern[str] | None = None) -> Found:
    r"""The answer of a text behind its thinking, or why there is none.

    >>> find_answer(r"so \boxed{7}. No wait, \boxed{\frac{1}{2}}").text
    '\\frac{1}{2}'
    >>> find_answer("He has 3 + 4 = 7.\n#### 7")
    Found(text='7', source='marker', missing='')
    >>> find_answer("<answer>31</answer> not 30"), find_answer("Answer: 12 (twelve)").text
    (Found(text='31', source='tags', missing=''), '12')
    >>> find_answer("no idea").missing
    'no <answer> tags, no \\boxed{}, no "answer:" or "####", and no number in the text'
    """
    tagged = in_tags(text) if "answer>" in text or "ANSWER>" in text else None
    if tagged is not None:
        return tagged
    boxed = in_boxes(text) if "box" in text else None
    if boxed is not None:
        return boxed
    if weakest == "boxed":
        return Found(missing=r"no <answer> tags and no \boxed{} in the text")
    marked = last_marker(text) if marker is None else next(iter([*marker.finditer(text)][-1:]), None)
    if marked:
        return behind(text, marked)
    if weakest == "marked":
        return Found(missing=r'no <answer> tags, no \boxed{} and no "answer:" or "####" in the text')
    return whole_text(text) or last_number(text)


def last_marker(text: str) -> re.Match[str] | None:
    """The last of the usual markers, looked for from the end at places that could be one.

    >>> last_marker("The answer is 4.\\nA: 5, they answered").group()
    'A:'
    """
    places = {clue: text.rfind(clue) for clue in CLUES}
    for _ in range(TRIES):
        clue = max(places, key=places.__getitem__)
        place = places[clue]
        if place < 0:
            return None
        for found in MARKER.finditer(text, max(0, place - 40), place + 200):
            if found.start() <= place < found.end():
                return found
        places[clue] = text.rfind(clue, 0, place + len(clue) - 1)
    return None


def in_tags(text: str) -> Found | None:
    """What stands in the last answer tags, or in the box within them; None where there are no tags."""
    tags = list(TAG.finditer(text))
    if not any(not tag[1] for tag in tags):
        return None
    if not tags[-1][1]:
        return Found(missing="the last <answer> is never closed")
    pairs = [text[one.end() : other.start()].strip() for one, other in pairwise(tags) if other[1] and not one[1]]
    if not pairs:
        return Found(missing="</answer> without <answer> before it")
    inner = pairs[-1]
    if any(clean(other[:LINE]) != clean(inner[:LINE]) for other in pairs[-BOXES:-1]):
        return Found(missing="several <answer> tags with different content")
    boxed = in_boxes(inner) if "box" in inner else None
    if boxed is not None:
        return boxed
    if not inner:
        return Found(missing="nothing stands in the last <answer> tags")
    marked = last_marker(inner) if len(inner) < LINE else None
    found = behind(inner, marked) if marked else shortened(inner) if len(WORD.findall(inner)) > 3 else Found(inner)
    return found if found.missing else Found(found.text, "tags")


def boxes(text: str) -> list[tuple[int, int, str]] | None:
    r"""Start, end and content of every outermost box; None where the last one is never closed.

    >>> boxes(r"\boxed{\{1, 2\}}"), boxes(r"\boxed 7, then"), boxes(r"\boxed{1"), boxes(r"\boxed{\boxed{5}}")
    ([(0, 16, '\\{1, 2\\}')], [(0, 8, '7')], None, [(0, 17, '\\boxed{5}')])
    """
    found: list[tuple[int, int, str]] = []
    stack: list[tuple[int, int] | None] = []
    for token in BRACE.finditer(text):
        sign = token[0]
        if token["box"]:
            if token["open"]:
                stack.append((token.start(), token.end()))
            elif not any(stack) and (bare := BARE.match(text, token.end())):
                found.append((token.start(), bare.end(), bare[0].rstrip(".")))
            elif not any(stack):
                found.append((token.start(), token.end(), ""))
        elif sign == "{":
            stack.append(None)
        elif sign == "}" and stack:
            opened = stack.pop()
            if opened:
                while found and found[-1][0] > opened[0]:
                    found.pop()  # it stood inside this one
                found.append((opened[0], token.end(), text[opened[1] : token.start()].strip()))
    return None if any(stack) else found


def in_boxes(text: str) -> Found | None:
    """The last box, or the boxes that are given together; None where there is no box."""
    if not re.search(r"\\(?:boxed|fbox)(?![a-zA-Z])", text):
        return None
    found = boxes(text)
    if found is None:
        return Found(missing=r"the last \boxed{ is not closed")
    start, end, content = found[-1]
    if not content:
        return Found(missing=r"the last \boxed{} is empty")
    before, after = text[max(0, start - 40) : start], text[end : end + 60]
    content = with_unit(content, after)
    members = [content]
    recent = found[-BOXES:]
    for (_, earlier_end, earlier), (later, _, _) in reversed(list(pairwise(recent))):
        if clean(earlier) == clean(members[0]) and len(members) == 1:
            before = text[max(0, start - 40) : start]
            continue
        gap = text[earlier_end:later]
        if CORRECTION.search(gap[:2000]) or (CONCLUSION.search(gap[:2000]) and not HEDGE.search(gap[:2000])):
            break
        if len(gap) < 40 and re.fullmatch(r"[\s$.,;\\()\[\]]*(?:and|or|,)?[\s$,\\()\[\]]*", gap):
            members.insert(0, earlier)
            before = ""
            continue
        return Found(
            missing=f"several boxes with different content ({earlier[:40]!r} and {members[0][:40]!r}), none taken back"
        )
    if OFFERED.match(after) or taken_back(content, text[end:]) or (before and DENIED.search(before)):
        return Found(missing=f"the box with {content[:40]!r} is one of several, or taken back")
    return Found(", ".join(members), "box")


def behind(text: str, marker: re.Match[str]) -> Found:
    """What follows a marker, to where the answer ends."""
    rest = text[marker.end() : marker.end() + LINE].lstrip(" \t\r\n*:_")
    found = shortened(rest)
    if found.missing and found.missing.startswith("nothing"):
        return Found(missing="nothing follows the last answer marker")
    before = text[max(0, marker.start() - 20) : marker.start()]
    if re.search(r"\b(?:no|not an|wrong|incorrect|other|neither)\s+$", before, re.IGNORECASE):
        return Found(missing="the marker denies the answer")
    return found
