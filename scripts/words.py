"""Private words and the field's terms for them, and where the texts of a file are: for the rule `words`."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

#: What is not written in a text -> what is written instead. Whole words, in any case.
PRIVATE = {
    "likelier": "more likely",
    "likeliest": "most likely, top-k",
    "unlikelier": "less likely",
    "anew": "again, re-…",
    "nobody|somebody|everybody|whoever": "name what it is: no rollout, a user, every reader",
    "told to|as told": "up-weighted, instructed; in the gradient's direction",
    "foretells?|foretold": "forecast, estimated",
    "goes on|go on|going on|went on": "continues, resumes",
    "passed over": "skipped",
    "hand(s|ed)? on": "pass, export to",
    "dead groups?": "zero-variance group",
    "groups? without contrast": "zero-variance group",
    "says? nothing": "carries no gradient; say what is missing",
    "siblings": "the other rollouts of the group",
    "learnt": "trained, trained on",
    "slips": "errors",
    "sieve": "stop rule",
    "pause lengths?": "detection length",
    "spares": "saves",
    "under way": "in progress, current",
    "step's border": "step boundary",
    "(the )?same dice": "the same random numbers",
    "(where|what) they part": "divergence point",
    "chance (to be|of being) right": "P(correct), posterior",
    "comes? out right": "is correct",
    "right ones": "correct ones",
    "wrong ones": "incorrect ones",
    "right answers?": "correct completion; reference answer",
    "all (right|wrong)": "all correct, all incorrect",
    "cut at the (length )?limit": "truncated",
    "worked examples?": "demonstration, few-shot example",
    "ask the model": "prompt the model",
}
WORDS = re.compile("|".join(rf"(?P<w{number}>\b(?:{word})\b)" for number, word in enumerate(PRIVATE)), re.IGNORECASE)
STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`|//[^\n]*|/\*.*?\*/', re.DOTALL)


def private_words(path: Path) -> Iterator[tuple[int, str, str]]:
    """Every private word in the texts of a file: its line, the word, and the term for it."""
    for line, text in texts(path):
        for match in WORDS.finditer(text):
            number = int(str(match.lastgroup)[1:]) if match.lastgroup else 0
            yield line + text.count("\n", 0, match.start()), match.group(), list(PRIVATE.values())[number]


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """What people read of a file, with the line it begins on: strings and comments, prose, a notebook's prose."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from python_texts(content)
    elif path.suffix == ".ipynb":
        for cell in json.loads(content)["cells"]:
            yield 0, "".join(cell["source"])
    elif path.suffix in (".js", ".css"):
        for match in STRING.finditer(content):
            yield content.count("\n", 0, match.start()) + 1, match.group()
    else:
        yield 1, content


def python_texts(content: str) -> Iterator[tuple[int, str]]:
    """The string literals of Python source, docstrings included, and its comments."""
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
