"""The attacks of `attack_programs.txt`, for `sandbox_attacks`."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_suffix(".txt")
SECTION = re.compile(r"^=== (\w+): (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    """A program, and what it tries: `family` is try, hog, forge, poison, fickle or print."""

    name: str
    family: str
    program: str


def attacks() -> list[Attack]:
    """All of them, in the file's order."""
    _, *parts = SECTION.split(FILE.read_text(encoding="utf-8"))
    sections = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return [Attack(name, family, whole(family, body)) for family, name, body in sections]


def whole(family: str, body: str) -> str:
    """The program of a section."""
    return body if family == "print" else "def f(x):\n" + textwrap.indent(body, "    ")
