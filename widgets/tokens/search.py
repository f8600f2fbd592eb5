"""Which rollouts of a run say something: over every recorded step, with how many of them are correct."""

from pathlib import Path
from typing import Any

from widgets.recorded.data import RunData, read
from widgets.wire.payload import number

MOST_HITS = 200  # that are sent; all are counted
AROUND = 40  # characters on each side of what was found
NAMES = ("rollout", "group", "text", "correct")


def search(data: RunData, text: str, steps: list[int]) -> dict[str, Any]:
    """The rollouts of these steps whose completion contains a text, ignoring case, the newest step first.

    `counts`: correct, incorrect and unscored ones; `rollouts`: how many were read; `unreadable`: steps that were not.
    """
    sought, hits, unreadable, seen = text.lower(), [], [], 0
    counts = {"correct": 0, "incorrect": 0, "unscored": 0}
    for step in sorted(steps, reverse=True):
        try:
            rows = read(Path(data.run.file("rollouts", step)), NAMES).to_pylist()
        except (OSError, ValueError):  # the file is broken, or was taken away meanwhile
            unreadable.append(step)
            continue
        seen += len(rows)
        for row in rows:
            if sought and sought in (row["text"] or "").lower():
                grade = grade_of(row["correct"])
                counts[grade] += 1
                place = {"step": step, "group": row["group"], "rollout": row["rollout"], "grade": grade}
                hits.append({**place, "excerpt": excerpt(row["text"], sought)})
    return {"hits": hits[:MOST_HITS], "counts": counts, "rollouts": seen, "unreadable": unreadable}


def grade_of(correct: float | None) -> str:
    """A grade in a word.

    >>> grade_of(1.0), grade_of(0.0), grade_of(None)
    ('correct', 'incorrect', 'unscored')
    """
    known = number(correct)
    return "unscored" if known is None else "correct" if known > 0.5 else "incorrect"


def excerpt(text: str, sought: str) -> list[str]:
    """What stands before, what was found, and what stands behind.

    >>> excerpt("so wait, what", "WAIT".lower())
    ['so ', 'wait', ', what']
    """
    at = text.lower().find(sought)
    if at < 0 or len(text.lower()) != len(text):  # letters whose lower case is longer: the place is not known
        return [text[: 2 * AROUND], "", ""]
    start, end = max(0, at - AROUND), at + len(sought)
    return [
        "…" * (start > 0) + text[start:at],
        text[at:end],
        text[end : end + AROUND] + "…" * (len(text) > end + AROUND),
    ]
