"""From what was found and how it was graded to a score with its reason."""

from workbench.rewards.grading.algebra import Grade
from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.find import in_boxes
from workbench.types import Score

NAN = float("nan")
SHOWN = 60  # characters of an answer in a reason


def reference_of(text: str) -> str:
    r"""The reference answer in a text that may be a whole solution.

    >>> reference_of("She sold 72.\n#### 72"), reference_of(r"so \boxed{42}."), reference_of("x + 1")
    ('72', '42', 'x + 1')
    """
    if "box" in text:
        found = in_boxes(text)
        if found is not None and not found.missing:
            return found.text
    if "####" in text:
        return text.rpartition("####")[2].strip()
    if "<answer>" in text:
        return text.rpartition("<answer>")[2].partition("</answer>")[0].strip()
    return text


def shortest(found: Found, longest: int) -> Found:
    """An answer, unless it is too long to be one."""
    if len(found.text) > longest:
        return Found(missing=f"the answer has {len(found.text)} characters, more than longest={longest}")
    return found


def score_of(reference: str, found: Found, grade: Grade | None) -> Score:
    """The score of one answer: the rule that decided, what was read and what was expected."""
    if not reference.strip():
        return Score(NAN, "unscored: the problem has no reference answer")
    if found.missing or grade is None:
        return Score(0.0, f"{found.missing}; expected {shown(reference)}", correct=False)
    value = NAN if grade.correct is None else float(grade.correct)
    relation = "matches" if grade.correct else "expected"
    reason = f"read {shown(found.text)} ({found.source}), {relation} {shown(reference)}: {grade.rule}"
    return Score(value, reason, grade.correct, found.text)


def shown(text: str) -> str:
    """A text as it is quoted in a reason."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
