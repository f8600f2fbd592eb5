"""The JSON files of a run directory, read through one door: what a file must hold, and one sentence where it does not.

A sentence names the file, the field, its value, and what to do. `read_document` raises nothing, so that one broken run
never hides the others of its folder; `expect_document` raises the sentence as a ValueError. A document that nobody
edits carries a SHA-256 of its content: a change is told even where the file still reads well.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.runs.directory.paths import encode_json, write_atomic

LARGEST = 2**53  # whole numbers that every JSON reader keeps exactly
LATEST = 1e11  # unix seconds that a calendar can show


@dataclass(frozen=True)
class Kind:
    """What a field may hold, in words and as a test."""

    words: str
    fits: Callable[[Any], bool]

    def maybe(self) -> "Kind":
        """The same, or null."""
        return Kind(f"{self.words} or null", lambda value: value is None or self.fits(value))


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, not a truth value, that JSON keeps."""
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value < LARGEST


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return type(value) in (int, float) and abs(value) < 1e300


def is_visit(value: Any) -> bool:
    """Whether a value is a visit of the ledger: key, number in the pool, attempts, successes, length."""
    if not isinstance(value, list) or len(value) != 5 or not isinstance(value[0], str):
        return False
    return all(is_whole(one) for one in value[1:3]) and all(one is None or is_number(one) for one in value[3:])


WHOLE = Kind("a whole number", is_whole)
NUMBER = Kind("a number", is_number)
TIME = Kind("a time in unix seconds", lambda value: is_number(value) and 0 <= value < LATEST)
TEXT = Kind("a text", lambda value: isinstance(value, str))
TABLE = Kind("a table", lambda value: isinstance(value, Mapping))
NAMES = Kind("a list of texts", lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value))
METRIC = Kind("a number", lambda value: is_number(value) or value is None or isinstance(value, bool))


@dataclass(frozen=True)
class Shape:
    """What a document must hold: a kind for each field, those that may not be missing, and what to do otherwise."""

    fields: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    remedy: str = "put back the file as it was"
    rest: Kind | None = None  # of every field that is not named; None: anything

    def error(self, value: Any) -> str:
        """Why a value is no such document; empty where it is one."""
        if not isinstance(value, Mapping):
            return f"holds {short(value)}, not a table"
        for name in self.required:
            if name not in value:
                return f"has no {name}"
        for name, given in value.items():
            kind = self.fields.get(name, self.rest)
            if kind is not None and not kind.fits(given):
                return f"{name} = {short(given)} is not {kind.words}"
        return ""


def short(value: Any) -> str:
    """A value in few characters.

    >>> short("x" * 100)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..."
    """
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


OVER = "it is written anew when the run is resumed"
STATUS = Shape(
    {
        "state": TEXT, "phase": TEXT, "text": TEXT, "attempt": WHOLE, "step": WHOLE, "total": WHOLE, "tokens": WHOLE,
        "memory": WHOLE, "typical": NUMBER.maybe(), "time": TIME, "boot": TEXT, "uptime": NUMBER,
    },
    required=("state",), remedy=OVER,
)  # fmt: skip
FORMAT_FILE = Shape({"format": WHOLE, "kind": TEXT}, required=("format", "kind"))
ENVIRONMENT = Shape({"folder": TEXT.maybe(), "sources": TABLE, "config": TABLE, "parent": TABLE})
SETTINGS = Shape(
    {name: TABLE.maybe() for name in ("model", "rollouts", "training", "evaluation", "record", "method", "imported")},
    remedy="put back the file as it was; config.toml holds the settings that differ from the defaults",
)
EXPERIMENT = Shape(
    {"jobs": WHOLE, "runs": NAMES, "program": NAMES, "name": TEXT},
    required=("runs",), remedy="put back the file as it was, or open its runs one by one",
)  # fmt: skip
MANIFEST = Shape({"step": WHOLE, "attempt": WHOLE, "line": TABLE, "files": TABLE, "sha256": TEXT},
                 required=("step", "attempt", "line", "files"))  # fmt: skip
REPLY = Shape({"number": WHOLE, "command": TEXT, "result": TEXT, "text": TEXT, "step": WHOLE}, required=("result",))
METRICS = Shape({"step": WHOLE, "attempt": WHOLE, "time": TIME}, required=("step",), rest=METRIC)
EVENTS = Shape({"step": WHOLE.maybe(), "attempt": WHOLE, "time": TIME, "kind": TEXT, "text": TEXT},
               required=("kind",))  # fmt: skip
VISITS = Kind("a list of visits", lambda value: isinstance(value, list) and all(map(is_visit, value)))
LEDGER = Shape({"step": WHOLE, "visits": VISITS}, required=("step", "visits"))
PROBLEM = Shape({"step": WHOLE, "key": TEXT, "prompt": TEXT, "answer": TEXT, "source": TEXT, "data": TABLE},
                required=("step", "key", "prompt", "answer", "source", "data"))  # fmt: skip
LINES = {  # what each line of a file must hold
    "metrics.jsonl": METRICS, "events.jsonl": EVENTS, "ledger.jsonl": LEDGER, "problems.jsonl": PROBLEM,
}  # fmt: skip


def read_document(path: Path, shape: Shape) -> tuple[dict[str, Any] | None, str]:
    """The document in a file, None where there is none; and what is wrong with it in one sentence, or nothing."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None, ""
    except OSError as error:
        return None, f"{path} cannot be read ({error.strerror}); {shape.remedy}"
    except (ValueError, RecursionError) as error:
        return None, f"{path} is not JSON ({str(error).splitlines()[0]}); {shape.remedy}"
    wrong = shape.error(value) or seal_error(value)
    return (None, f"{path}: {wrong}; {shape.remedy}") if wrong else (value, "")


def write_document(path: Path, document: Mapping[str, Any], *, sync: bool = False) -> None:
    """Writes a JSON file whole, with the SHA-256 of its content in it."""
    said = json.loads(encode_json(document))
    write_atomic(path, encode_json({**said, "sha256": seal(said)}), sync=sync)


def seal(document: Mapping[str, Any]) -> str:
    """The SHA-256 of what a document says, itself left out."""
    said = {name: value for name, value in document.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def seal_error(document: Mapping[str, Any]) -> str:
    """Whether a document is another than was written; one without a SHA-256 is of an earlier version, and taken."""
    given = document.get("sha256")
    if given is None or given == seal(document):
        return ""
    return "was changed after it was written: its SHA-256 is that of another content"


def expect_document(path: Path, shape: Shape) -> dict[str, Any]:
    """The document in a file, an empty one where it is missing; ValueError with the sentence where it is broken."""
    found, error = read_document(path, shape)
    if error:
        raise ValueError(error)
    return found or {}
