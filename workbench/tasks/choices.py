"""Which of two answers is better? Preference pairs as problems with a letter for an answer. VMR, arXiv:2511.02463."""

import functools
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.tasks.data.cells import ABSENT, CellError, cell, plain, question
from workbench.tasks.data.files import Line, read_rows
from workbench.tasks.jsonl import check_number, ordered, stamp
from workbench.types import Problem

Split = Literal["train", "test"]
TEMPLATE = (
    "{prompt}\n\nWhich of these two answers is better?\n\nA:\n{first}\n\nB:\n{second}\n\n"
    "Give the letter of the better answer in \\boxed{{}}."
)


@dataclass(frozen=True)
class Choices(Task):
    """A file with a prompt, a chosen and a rejected answer in every row; formats as in `jsonl`.

    Every pair is two problems, once with each answer first, so that a constant letter earns exactly half. A share of
    the pairs is the test split; both problems of a pair are in one. Rewards: `math` or `exact`.
    """

    path: Annotated[str, Field(description="file or folder; a relative path starts at the working directory")]
    prompt: Annotated[str, Field(min_length=1, description="column of the question")] = "prompt"
    chosen: Annotated[str, Field(min_length=1, description="column of the better answer")] = "chosen"
    rejected: Annotated[str, Field(min_length=1, description="column of the worse answer")] = "rejected"
    test_share: Annotated[float, Field(gt=0, lt=1, description="share of the pairs held out")] = 0.1
    shuffle: Annotated[int, Field(ge=0, le=2**32 - 1, description="seed of the order")] = 0

    def problem(self, number: int, split: Split) -> Problem:
        check_number(number, self.size(split), split)
        line = self.pairs()[split][number // 2]
        texts = self.texts(line)
        first_is_chosen = number % 2 == (line.number + self.shuffle) % 2  # so that no letter is always first
        first, second = texts[1:] if first_is_chosen else (texts[2], texts[1])
        letter = "A" if first_is_chosen else "B"
        prompt = TEMPLATE.format(prompt=texts[0], first=first, second=second)
        return Problem(f"{line.key}-{letter}", prompt, letter, {"family": line.key, "letter": letter})

    def texts(self, line: Line) -> tuple[str, str, str]:
        """Question, chosen and rejected answer of a row; CellError for what is none."""
        asked = question(cell(line.row, self.prompt), self.prompt)[0]
        answers = (last_text(cell(line.row, name), name) for name in (self.chosen, self.rejected))
        return (asked, *answers)  # type: ignore[return-value]

    def size(self, split: Split) -> int:
        return 2 * len(self.pairs()[split])

    def check(self) -> list[str]:
        rows = read_rows(self.path)
        wrong = list(rows.errors)
        for line in rows.rows:
            try:
                chosen, rejected = self.texts(line)[1:]
            except CellError as error:
                wrong.append(f"{line.place}: {error}; correct or remove the row")
                continue
            if chosen.strip() == rejected.strip():
                wrong.append(f"{line.place}: both answers are the same; remove the row")
        if not wrong and len(rows.rows) < 2:
            wrong.append(f"has {len(rows.rows)} row; give two or more, for both splits")
        shown = wrong if len(wrong) <= 5 else [*wrong[:5], f"and {len(wrong) - 5} more"]
        return [f"choices.path = {self.path!r}: {error}" for error in shown]

    def pairs(self) -> dict[Split, tuple[Line, ...]]:
        """The rows of both splits."""
        return split_rows(self.path, self.test_share, self.shuffle, self.version())

    def place(self, number: int, split: Split) -> str:
        return f"{self.path}, {self.pairs()[split][number // 2].place}"

    def version(self) -> str:
        return str(stamp(self.path))


@functools.lru_cache(maxsize=8)
def split_rows(path: str, share: float, seed: int, version: str) -> dict[Split, tuple[Line, ...]]:
    """The rows of a file as it was at a version, by split: one row at least in each."""
    del version
    read_rows.cache_clear()
    rows = ordered(read_rows(path).rows, seed)
    held = min(max(1, round(share * len(rows))), max(0, len(rows) - 1))
    return {"train": rows[: len(rows) - held], "test": rows[len(rows) - held :]}


def last_text(value: object, name: str) -> str:
    """An answer: a text, or the content of the last message where it is a conversation (TRL's columns)."""
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        value = value[-1].get("content", ABSENT)
    return plain(value, name)
