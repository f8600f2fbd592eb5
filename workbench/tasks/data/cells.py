"""What stands in the columns of a row: texts, numbers, messages; found by name, and read as a question or an answer."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import shortened

#: Columns that are taken where the usual one is absent, in this order: TRL's, verl's, and those of common data sets.
PROMPTS = ("question", "problem", "messages", "query", "instruction")
ANSWERS = ("reward_model.ground_truth", "solution", "ground_truth", "final_answer", "target", "expected_answer")
ABSENT = object()
#: What to do about a value, by what is wrong with it.
REMEDIES = {
    "none": "give a text or a number, or remove the row",
    "truth": 'write it as a text, as in "yes"',
    "number": "give the number itself, or remove the row",
    "half": "write the whole character, or remove the row",
    "turns": "give one turn of the user, with a system turn before it at most; write earlier turns into its text",
    "other": "give a text, a number, or (for a prompt) a list of messages",
    "empty": "give one, or remove the row",
}


class CellError(ValueError):
    """A value that is neither question nor answer; `kind` is a key of `REMEDIES`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def cell(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column; a dotted name goes into tables, as in `reward_model.ground_truth`. `ABSENT` if none.

    >>> cell({"reward_model": {"ground_truth": "4"}}, "reward_model.ground_truth")
    '4'
    """
    if name in row:
        return row[name]
    outer, dot, inner = name.partition(".")
    found = row.get(outer, ABSENT) if dot else ABSENT
    return cell(found, inner) if isinstance(found, Mapping) else ABSENT


def plain(value: Any, name: str) -> str:
    """A text or a number as text; CellError for all else.

    >>> plain(4.0, "answer"), plain("4 ", "answer"), plain(0.5, "answer")
    ('4', '4 ', '0.5')
    """
    if value is None or value is ABSENT:
        raise CellError(
            "none", f"{name} is missing" if value is ABSENT else f"{name} = null is neither text nor a number"
        )
    if isinstance(value, bool):
        raise CellError("truth", f"{name} = {str(value).lower()} is neither text nor a number")
    if isinstance(value, float) and not math.isfinite(value):
        words = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        raise CellError("number", f"{name} = {words} is not a finite number")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if not isinstance(value, str | int | float):
        raise CellError("other", f"{name} = {shortened(value)[:80]} is neither text nor a number")
    text = str(value)
    if text.strip().lower() == "nan":
        raise CellError("number", f"{name} = {text.strip()} is not a number, but what is written for a missing one")
    half = next((place for place, letter in enumerate(text) if "\ud800" <= letter <= "\udfff"), None)
    if half is not None:
        raise CellError("half", f"{name} holds half a surrogate pair, U+{ord(text[half]):04X} at character {half + 1}")
    return text


def question(value: Any, name: str) -> tuple[str, str | None]:
    """A prompt, and the system prompt before it or None: from a text, or a list of messages; CellError for all else.

    >>> question([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}], "prompt")
    ('2 + 2?', 'Be brief.')
    """
    if not is_messages(value):
        return plain(value, name), None
    turns = [(str(message.get("role")), content(message.get("content"), name)) for message in value]
    roles = [role for role, _ in turns]
    if roles not in (["user"], ["system", "user"]):
        raise CellError("turns", f"{name} has the turns {', '.join(roles)}")
    return turns[-1][1], turns[0][1] if len(turns) == 2 else None


def is_messages(value: Any) -> bool:
    """Whether a value is a list of messages."""
    listed = isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) > 0
    return listed and all(isinstance(item, Mapping) and "role" in item for item in value)


def content(value: Any, name: str) -> str:
    """A message's text; parts of it are joined, and a part that is no text is refused."""
    if not isinstance(value, Sequence) or isinstance(value, str):
        return plain(value, f"{name}'s content")
    odd = [part for part in value if not (isinstance(part, Mapping) and part.get("type") == "text")]
    if odd:
        raise CellError("other", f"{name} has a part that is no text: {shortened(odd[0])[:60]}")
    return "".join(plain(part.get("text"), f"{name}'s content") for part in value)
