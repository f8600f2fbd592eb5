"""Errors in a file, line by line, told in few messages: each kind once, with its first places and a count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

PARTS = re.compile(r"(\d+)")
SHOWN = 5  # places that a message names


@dataclass(frozen=True)
class Finding:
    """One thing wrong at one place. Findings of the same `kind` and `remedy` are told together.

    `place`: as in "line 3". `what`: what stands there, with the value. `remedy`: what to do.
    """

    kind: str
    place: str
    what: str
    remedy: str


def summarised(findings: Iterable[Finding]) -> list[str]:
    """A message for each kind: the first finding in full, the places of the next ones, and how many there are.

    >>> summarised([Finding("empty", f"line {n}", "answer is empty", "give one") for n in (3, 8, 9)])
    ['line 3: answer is empty; give one (3 such: line 3, line 8, line 9)']
    """
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.kind, finding.remedy), []).append(finding)
    return [told(same) for same in kinds.values()]


def told(same: list[Finding]) -> str:
    """Findings of one kind as one message."""
    same = sorted(
        same, key=lambda finding: [int(part) if part.isdigit() else part for part in PARTS.split(finding.place)]
    )
    first, count = same[0], len(same)
    text = f"{first.place}: {first.what}; {first.remedy}"
    if count == 1:
        return text
    parted = [finding.place.rpartition(", ") for finding in same[:SHOWN]]
    alike = len({head for head, _, _ in parted}) == 1  # one file: its name is told once
    places = ", ".join(tail if alike else finding.place for finding, (_, _, tail) in zip(same, parted, strict=False))
    return f"{text} ({count:,} such: {places}{', …' if count > SHOWN else ''})"


def numbered(place: str) -> list[str | int]:
    """A place as it is sorted.

    >>> sorted(["line 10", "line 9"], key=numbered)
    ['line 9', 'line 10']
    """
    return [int(part) if part.isdecimal() else part for part in PARTS.split(place)]
