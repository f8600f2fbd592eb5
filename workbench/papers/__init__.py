"""Published systems: what of each paper is here and what is not, read from `systems.toml` beside this file."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_name("systems.toml")
Status = Literal["whole", "part", "none"]


@dataclass(frozen=True)
class System:
    """One published system. `keys` name what carries it, as kind:name; `tests` check it from outside."""

    title: str
    paper: str  # arXiv:ID, another source, or nothing
    status: Status
    keys: tuple[str, ...] = ()
    here: str = ""  # of a part: what is here
    missing: str = ""
    tests: tuple[str, ...] = ()


@cache
def systems() -> tuple[System, ...]:
    """Every system, in the order of the file."""
    entries = tomllib.loads(FILE.read_text(encoding="utf-8"))["system"]
    lists = ("keys", "tests")
    return tuple(System(**{**entry, **{name: tuple(entry.get(name, ())) for name in lists}}) for entry in entries)
