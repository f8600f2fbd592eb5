"""Problems from a file with one JSON object a line."""

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.types import Problem

Split = Literal["train", "test"]
Lines = tuple[tuple[int, Mapping[str, Any]], ...]  # line numbers (from 1) and what stood there
SLOT = "{prompt}"  # in a template; replaced as text, so that a template may hold other braces (LaTeX)


@dataclass(frozen=True)
class Rows:
    """The objects of a file, and what is wrong with it."""

    rows: Lines = ()
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """The splits of a task, and what is wrong with its files."""

    lines: Mapping[Split, Lines]
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Jsonl(Task):
    """A file with a prompt and an answer in every line; part of it, or a second file, is held out as test split.

    Without `test_path` a share of the lines, chosen by the shuffle seed, is the test split. A problem's key is its
    line number, with `test-` before it where it comes from the second file.
    """

    path: Annotated[str, Field(description="the file; a relative path starts at the working directory")]
    prompt: Annotated[str, Field(min_length=1, description="column of the question")] = "prompt"
    answer: Annotated[str, Field(min_length=1, description="column of the reference answer")] = "answer"
    answer_after: Annotated[str, Field(description="the answer is what follows the last of these; empty: all")] = ""
    template: Annotated[str, Field(description="what the model is asked; {prompt} stands for the question")] = SLOT
    test_path: Annotated[str | None, Field(description="a file for the test split; none: a share of the lines")] = None
    test_share: Annotated[float, Field(ge=0, lt=1, description="share of the lines held out")] = 0.1
    shuffle: Annotated[int | None, Field(description="seed of the order; none: as in the file, the end held out")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_template("jsonl", self.template)

    def problem(self, number: int, split: Split) -> Problem:
        contents = prepare(self)
        if contents.faults:
            raise ValueError("; ".join(contents.faults))
        check_number(number, len(contents.lines[split]), split)
        line, row = contents.lines[split][number]
        own = split == "test" and self.test_path is not None
        return Problem(
            key=f"test-{line}" if own else str(line),
            prompt=self.template.replace(SLOT, str(row[self.prompt])),
            answer=self.reference(row),
            data=row,
        )

    def size(self, split: Split) -> int:
        return len(prepare(self).lines[split])

    def check(self) -> list[str]:
        return list(prepare(self).faults)

    def find_faults(self) -> list[str]:
        """What is wrong with the files, or with the split."""
        paths = [("path", self.path), ("test_path", self.test_path)]
        faults = [
            f"jsonl.{name} = {path!r}: {fault}"
            for name, path in paths
            if path is not None
            for fault in self.check_file(read_rows(path))
        ]
        if not faults and not self.split("train"):
            faults.append(f"jsonl.test_share = {self.test_share}: leaves no line for training; set it lower")
        return faults

    def check_file(self, file: Rows) -> tuple[str, ...]:
        """What is wrong with a file: as such, or its columns, or single values (the first line is named)."""
        if file.faults:
            return file.faults
        columns = dict.fromkeys(name for _, row in file.rows for name in row)
        absent = [(name, given) for name, given in self.columns().items() if given not in columns]
        if absent:
            there = ", ".join(columns)
            return tuple(f"no column {given!r} (field {name}); its columns: {there}" for name, given in absent)
        faults = [(line, fault) for line, row in file.rows if (fault := self.check_row(row))]
        more = f", and {len(faults) - 1} more lines like it" if len(faults) > 1 else ""
        return (f"line {faults[0][0]}: {faults[0][1]}{more}",) if faults else ()

    def check_row(self, row: Mapping[str, Any]) -> str:
        """What is wrong with one row, or nothing."""
        for name in self.columns().values():
            if isinstance(row.get(name), bool) or not isinstance(row.get(name), str | int | float):
                return f"{name} = {row.get(name)!r} is neither text nor a number"
            if not str(row[name]).strip():
                return f"{name} is empty"
        if not self.reference(row):
            return f"nothing follows {self.answer_after!r} in {self.answer}"
        return ""

    def columns(self) -> dict[str, str]:
        """The names of the columns, by field."""
        return {"prompt": self.prompt, "answer": self.answer}

    def reference(self, row: Mapping[str, Any]) -> str:
        """The reference answer of a row; empty if the text before it is absent."""
        text = str(row[self.answer])
        if not self.answer_after:
            return text.strip()
        before, mark, after = text.rpartition(self.answer_after)
        del before
        return after.strip() if mark else ""

    def split(self, split: Split) -> Lines:
        """The rows of a split, in their order."""
        rows = read_rows(self.path).rows
        if self.test_path is not None:
            rows = rows if split == "train" else read_rows(self.test_path).rows
            return tuple(rows[place] for place in order(len(rows), self.shuffle))
        places = order(len(rows), self.shuffle)
        held_out = math.ceil(self.test_share * len(rows))
        chosen = places[len(rows) - held_out :] if split == "test" else places[: len(rows) - held_out]
        return tuple(rows[place] for place in chosen)


def check_template(task: str, template: str) -> None:
    """Refuses a template without a place for the question."""
    if SLOT not in template:
        raise ValueError(f"{task}.template = {template!r}: has no place for the question; write {SLOT} where it goes")


def check_number(number: int, size: int, split: str) -> None:
    """Refuses the number of a problem that a split does not have."""
    if not 0 <= number < size:
        raise ValueError(f"problem {number} of the {split} split: it has {size}, numbered from 0")


@functools.lru_cache(maxsize=16)
def order(size: int, seed: int | None) -> tuple[int, ...]:
    """The places 0 … size - 1, shuffled; the same for a seed in every process."""
    places = list(range(size))
    if seed is not None:
        Random(seed).shuffle(places)
    return tuple(places)


def prepare(task: Jsonl) -> Contents:
    """The contents of a task's files, read and checked again only when one of them has changed."""
    return prepare_as_of(task, stamp(task.path), stamp(task.test_path))


@functools.lru_cache(maxsize=8)
def prepare_as_of(task: Jsonl, *stamps: tuple[int, int]) -> Contents:
    """The contents of a task's files when they had these stamps."""
    del stamps
    faults = tuple(task.find_faults())
    lines: Mapping[Split, Lines] = {split: () if faults else task.split(split) for split in ("train", "test")}
    read_rows.cache_clear()  # the splits hold all that is needed
    return Contents(lines, faults)


def stamp(path: str | None) -> tuple[int, int]:
    """Time of change and size of a file; zeros if there is none."""
    file = Path(path or "").expanduser()
    if path is None or not file.is_file():
        return (0, 0)
    state = file.stat()
    return state.st_mtime_ns, state.st_size


@functools.lru_cache(maxsize=2)
def read_rows(path: str) -> Rows:
    """The objects of a file; a line that is no JSON object is a fault, a blank one is not."""
    file = Path(path).expanduser()
    if not file.is_file():
        what = "is a folder, not a file" if file.is_dir() else f"there is no such file (looked in {file.absolute()})"
        return Rows(faults=(what,))
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return Rows(faults=(f"cannot be read as UTF-8 text ({error})",))
    rows: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            return Rows(faults=(f"line {number} is no JSON ({error.msg}): {line[:60]!r}",))
        if not isinstance(row, dict):
            return Rows(faults=(f"line {number} is no JSON object: {line[:60]!r}",))
        rows.append((number, row))
    return Rows(tuple(rows)) if rows else Rows(faults=("the file is empty",))
