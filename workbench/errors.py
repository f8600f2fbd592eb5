"""Messages for invalid settings: the nearest name for an unknown one, and the expected value for an invalid one.

pydantic validates the values; here each of its errors becomes a place, the value, and a remedy.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, get_args

#: pydantic's type of error -> the expected value, with the error's own numbers filled in.
WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt:.12g}",
    "greater_than_equal": "{ge:.12g} or more",
    "less_than": "a number below {lt:.12g}",
    "less_than_equal": "{le:.12g} or less",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "a string",
    "string_too_short": "a string of {min_length} or more characters",
    "literal_error": "{expected}",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
    "model_type": "a table of its fields",
    "dataclass_type": "a table of its fields",
}
PARTS = re.compile(r"(\d+)")
SHOWN = 5  # places that a message names
LONG = 200  # characters of a value shown in a message
ALIKE = 0.6  # least similarity of a proposed name: difflib's own bound
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")  # a field that does not exist

Items = Sequence[Mapping[str, Any]]  # of `ValidationError.errors()`


def among(name: str, known: Iterable[str], there: str = "there are") -> str:
    """The end of a message about an unknown name: the nearest known one, if one is similar, then all of them.

    >>> among("grppo", ["dapo", "grpo"])
    " (did you mean 'grpo'?); there are: dapo, grpo"
    >>> among("x", [])
    '; there are: none'
    """
    likeness = {other: SequenceMatcher(None, other, name.lower()).ratio() for other in known}
    most = max(likeness.values(), default=0.0)
    nearest = [repr(other) for other, value in likeness.items() if value == most >= ALIKE]
    meant = f" (did you mean {' or '.join(nearest)}?)" if nearest else ""
    return f"{meant}; {there}: {', '.join(likeness) or 'none'}"


def extra(name: str) -> str:
    """How to install an extra of the project: from the project's folder, not from an index."""
    return f"in the project's folder: pip install -e '.[{name}]'"


def wrong(items: Items, remedy: str = "") -> str:
    """The end of an error message after its place: the value and the remedy (`remedy`, if given).

    Types of error that are not in `WANTED` keep pydantic's text.

    >>> wrong([{"type": "greater_than", "input": 0, "ctx": {"gt": 0.0}}])
    ' = 0: give a number above 0'
    """
    if items[0]["type"] == "missing":
        return f": is missing; {remedy or 'give it'}"
    wanted = [WANTED[item["type"]].format(**item.get("ctx", {})) for item in items if item["type"] in WANTED]
    others = [str(item.get("ctx", {}).get("error", item["msg"])) for item in items if item["type"] not in WANTED]
    give = [f"give {', or '.join(dict.fromkeys(wanted))}"] if wanted else []
    return f" = {shortened(items[0]['input'])}: {remedy or '; '.join([*give, *others])}"


def shortened(value: Any) -> str:
    """A value as it is shown in a message: the beginning of a long one, and of a whole number too long the digits.

    >>> shortened("a"), shortened(10**5000)
    ("'a'", 'a whole number of about 5001 digits')
    """
    try:
        text = repr(value)
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return f"a whole number of about {int(value).bit_length() * 0.30103 + 1:.0f} digits"
    return text if len(text) <= LONG else f"{text[:LONG]}…"


def by_place(items: Items, model: type) -> dict[str, list[Mapping[str, Any]]]:
    """The errors at each place of a model's tables; the members of a union are one place."""
    places: dict[str, list[Mapping[str, Any]]] = {}
    for item in items:
        unknown = item["type"] in UNKNOWN
        known = item["loc"][:-1] if unknown else item["loc"]
        path = [*within(model, known)[0], *(item["loc"][-1:] if unknown else ())]
        places.setdefault(".".join(map(str, path)), []).append(item)
    return places


def within(model: type, place: tuple[str | int, ...]) -> tuple[list[str | int], Mapping[str, Any]]:
    """(path of fields and list places to `place`, without the names of a union's members; the fields at its end)."""
    path: list[str | int] = []
    fields = fields_of(model)
    for part in place:
        if part in fields:
            fields = fields_of(fields[str(part)].annotation)
            path.append(part)
        elif isinstance(part, int):
            path.append(part)
    return path, fields


def fields_of(kind: Any) -> Mapping[str, Any]:
    """The fields of the first table (a pydantic model or dataclass) in a type; none if there is no table."""
    own: Mapping[str, Any] = getattr(kind, "__pydantic_fields__", {})
    return own or next((found for part in get_args(kind) if (found := fields_of(part))), {})


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
