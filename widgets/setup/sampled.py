"""The completions that were sampled while the time was measured: what the model says before training."""

from typing import Any

from widgets.recorded.question import question_of
from workbench.planning.measure import Timing
from workbench.visible import escaped

LONGEST = 240  # characters of a completion


def sampled(timing: Timing) -> str:
    """The completions with their grades, as HTML; empty where none were kept."""
    if not timing.answers:
        return ""
    rows = "".join(row(answer) for answer in timing.answers)
    head = f"<h4>Before training: {correct(timing)} of {len(timing.answers)} held-out problems correct</h4>"
    return f'<div class="wf-sampled">{head}<table><tr><th>problem</th><th>completion</th></tr>{rows}</table></div>'


def correct(timing: Timing) -> int:
    """How many of the completions are correct."""
    return sum((answer["correct"] or 0) > 0.5 for answer in timing.answers)


def row(answer: dict[str, Any]) -> str:
    """One problem with a completion."""
    grade = answer["correct"]
    mark, name = ("?", "unscored") if grade is None else ("✓", "correct") if grade > 0.5 else ("✗", "incorrect")
    text = answer["text"].strip()
    end = "…" if len(text) > LONGEST or answer["finish"] == "length" else ""
    shown = escaped(text[:LONGEST] + end) or "(nothing)"
    question = escaped(question_of(answer["prompt"]))
    expected = f" <b>{escaped(answer['answer'])}</b>" if answer["answer"] else ""
    label = f'<span class="wf-grade" role="img" aria-label="{name}">{mark}</span>'
    return f"<tr><td>{question}{expected}</td><td>{label} <code>{shown}</code></td></tr>"
