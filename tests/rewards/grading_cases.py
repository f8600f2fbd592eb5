"""Pairs of a reference and a text by the kind of fault they would show, from `grading_cases.jsonl`.

One reference a line, with the texts that answer it and the texts that do not. Those of the kind `texts` are whole
answers, for where the answer stands and where it ends; the tests put all others in a box.
"""

import json
from pathlib import Path
from typing import NamedTuple


class Kind(NamedTuple):
    """One reference with texts that answer it and texts that do not."""

    kind: str
    reference: str
    correct: tuple[str, ...]
    incorrect: tuple[str, ...]


def read_kinds() -> list[Kind]:
    """All of them."""
    lines = Path(__file__).with_suffix(".jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    return [Kind(row["kind"], row["reference"], tuple(row["correct"]), tuple(row["incorrect"])) for row in rows]


KINDS = read_kinds()
ALL = [kind for kind in KINDS if kind.kind != "texts"]
TEXTS = [kind for kind in KINDS if kind.kind == "texts"]
