"""Clock times and calendar dates."""

import re
from dataclasses import dataclass

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
#: What may be a time or a date although a number with a word stands there.
MOMENT = re.compile(r"[ap]\.?\s?m\b|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", re.IGNORECASE)
CLOCK = re.compile(
    r"(?:at\s+)?(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2}))?(?::(?P<second>[0-9]{2}))?\s*(?P<half>[ap]\.?\s?m\.?)?",
    re.IGNORECASE,
)
MONTH = r"(?P<month>[a-z]{3,9})\.?"
DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
YEAR = r"(?P<year>[0-9]{4})"
WEEKDAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?"
DATES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<year>[0-9]{4})(?P<sign>[-/.])(?P<first>[0-9]{1,2})(?P=sign)(?P<second>[0-9]{1,2})",
        r"(?P<first>[0-9]{1,2})(?P<sign>[-/.])(?P<second>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})",
        rf"{WEEKDAY}(?:the\s+)?{MONTH}\s+{DAY}(?:,?\s+{YEAR})?",
        rf"{WEEKDAY}(?:the\s+)?{DAY}\s+(?:of\s+)?{MONTH}(?:,?\s+{YEAR})?",
        rf"{MONTH},?\s+{YEAR}",
    )
]


@dataclass(frozen=True)
class Clock:
    """A time of day; without am or pm, hours up to 12 may be either."""

    hour: int
    minute: int
    second: int = 0
    certain: bool = False  # 24-hour time, or am or pm was given


@dataclass(frozen=True)
class Day:
    """A date; a year or a day may be missing (0)."""

    year: int
    month: int
    day: int


def read_clock(text: str) -> Clock | None:
    """A time of day.

    >>> read_clock("3:30 p.m.") == read_clock("15:30"), read_clock("12:00").certain, read_clock("3:2"), read_clock("3")
    (True, False, None, None)
    """
    special = {"noon": Clock(12, 0, 0, True), "midnight": Clock(0, 0, 0, True)}.get(text.lower())
    found = CLOCK.fullmatch(text)
    if special or found is None:
        return special
    hour, minute, second = int(found["hour"]), int(found["minute"] or 0), int(found["second"] or 0)
    half = (found["half"] or "").lower().replace(".", "").replace(" ", "")
    if minute > 59 or second > 59 or hour > 23 or not (half or found["minute"]) or (half and not 1 <= hour <= 12):
        return None
    if half:
        return Clock(hour % 12 + 12 * (half == "pm"), minute, second, True)
    return Clock(hour, minute, second, hour > 12 or hour == 0 or (found["hour"].startswith("0")))


def same_clock(reference: Clock, answer: Clock) -> bool:
    """The same time; without am or pm an answer to a reference that has them is correct only before noon."""
    wanted, given = ((one.hour, one.minute, one.second) for one in (reference, answer))
    if reference.certain and answer.certain:
        return wanted == given
    if not reference.certain:
        return wanted[1:] == given[1:] and (wanted[0] - given[0]) % 12 == 0
    return wanted == given and wanted[0] < 12


def read_date(text: str) -> Day | None:
    """A calendar date; None where day and month could be the other way round.

    >>> read_date("2024-03-01") == read_date("March 1st, 2024") == read_date("1 March 2024"), read_date("May")
    (True, None)
    >>> read_date("3/1/2024"), read_date("12/25/2024")
    (None, Day(year=2024, month=12, day=25))
    """
    if not any(sign.isdigit() for sign in text) or len(text) > 40:
        return None
    for pattern in DATES:
        found = pattern.fullmatch(text)
        if found:
            return read_fields(found.groupdict())
    return None


def read_fields(fields: dict[str, str | None]) -> Day | None:
    """The date of a pattern's groups."""
    year, day = int(fields.get("year") or 0), int(fields.get("day") or 0)
    if "month" in fields:
        name = (fields["month"] or "").lower()
        months = [
            number
            for number, month in enumerate(MONTHS, 1)
            if month == name or (len(name) in (3, 4) and month.startswith(name))
        ]
        return Day(year, months[0], day) if len(months) == 1 and day <= 31 else None
    first, second = int(fields["first"] or 0), int(fields["second"] or 0)
    if fields.get("sign") and len(str(fields["year"])) == 4 and list(fields).index("year") == 0:
        return Day(year, first, second) if 1 <= first <= 12 and 1 <= second <= 31 else None
    if first <= 12 and second <= 12 and first != second:
        return None
    month, day = (first, second) if first <= 12 else (second, first)
    return Day(year, month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None
