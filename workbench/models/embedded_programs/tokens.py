"""The tokenizer of the embedded model for programs: pieces of code, a digit with the comma before it, and bytes.

A program of three lines is 13 to 20 tokens. The phrases are cut from the lines that programs are drawn from.
"""

import re

from transformers import PreTrainedTokenizerFast

from workbench.models.making import vocabulary
from workbench.problems.programs.drawing import LINES

FIXED = (
    *("def f(x): x = ", "; x = ", "; return x", "def f(x):", "x = ", "f(x) = ", "f(", ") = ", "answer: "),
    *(", -", "[-", "; ", "\nx = ", "\nf(", "\nf(x) = ", "\nanswer: ", "\nnew\n", "[]"),
    *(f"propose {word}\n" for word in ("run", "find", "write")),
    *(f"{word}\n" for word in ("run", "find", "write")),
    *(f", {digit}" for digit in range(10)),
    *(f"[{digit}" for digit in range(10)),
)


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A new tokenizer; always the same."""
    return vocabulary.make_tokenizer(words=(), phrases=tuple(dict.fromkeys([*FIXED, *code()])))


def code() -> list[str]:
    """What the lines of programs are made of, apart from their digits, where it is longer than a character."""
    forms = [form for forms in LINES.values() for form in forms]
    parts = [part for form in forms for part in re.split(r"\{d\}", form)]
    return sorted({part for part in parts if len(part) > 1})
