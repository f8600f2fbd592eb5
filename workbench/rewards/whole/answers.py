"""The whole answer of a text: between the answer tags, or behind the last `answer:`, as it was written."""

from itertools import pairwise

from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.find import TAG, after_thinking
from workbench.rewards.grading.scores import shortest

MARKER = "answer:"


def whole_answer(text: str, longest: int, think_end: str = "</think>") -> Found:
    r"""The answer behind the thinking, its lines kept; or why there is none.

    >>> whole_answer("<think>2 x 2</think> <answer>0 1\n1 0</answer>", 100).text
    '0 1\n1 0'
    >>> whole_answer("first.\nAnswer: 1, 2", 100).text, whole_answer("1, 2", 100).missing
    ('1, 2', 'no <answer> tags and no "answer:" in the text')
    """
    rest = after_thinking(text, think_end, "cut")
    return rest if rest.missing else shortest(found_in(rest.text), longest)


def found_in(text: str) -> Found:
    """The answer of a text without thinking."""
    tags = list(TAG.finditer(text))
    if tags:
        pairs = [text[one.end() : other.start()].strip() for one, other in pairwise(tags) if other[1] and not one[1]]
        if not pairs or not tags[-1][1]:
            return Found(missing="the <answer> tags do not stand in pairs")
        if any(pair != pairs[-1] for pair in pairs):
            return Found(missing="several <answer> tags with different content")
        return Found(pairs[-1], "tags") if pairs[-1] else Found(missing="nothing stands in the last <answer> tags")
    place = text.casefold().rfind(MARKER) if text.isascii() else text.lower().rfind(MARKER)
    if place < 0:
        return Found(missing=f'no <answer> tags and no "{MARKER}" in the text')
    behind = text[place + len(MARKER) :].strip()
    return Found(behind, "marker") if behind else Found(missing=f'nothing follows the last "{MARKER}"')
