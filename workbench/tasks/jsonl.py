"""Problems from a file: JSON lines, a JSON array, CSV, parquet, compressed or not, or a folder of such files."""

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.errors import Finding, summarised
from workbench.kinds import Task
from workbench.tasks.data.cells import ABSENT, ANSWERS, PROMPTS, REMEDIES, CellError, cell, plain, question
from workbench.tasks.data.files import Line, Rows, data_files, located, read_rows
from workbench.tasks.data.hub import HubError
from workbench.types import Problem

Split = Literal["train", "test"]
Lines = tuple[Line, ...]
SLOT = "{prompt}"  # in a template; replaced as text, so that a template may hold other braces (LaTeX)
SPLITS: tuple[Split, Split] = ("train", "test")
Seed = Annotated[
    int | None, Field(ge=0, le=2**32 - 1, description="seed of the order; none: as in the file, the end held out")
]


@dataclass(frozen=True)
class Contents:
    """The splits of a task, the columns they are read from, and the errors of its files."""

    lines: Mapping[Split, Lines]
    columns: Mapping[str, str]
    errors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Jsonl(Task):
    """A file with a prompt and an answer in every row; part of it, or a second file, is held out as test split.

    The path may be a data set of the Hub, or a folder of it. Formats: JSON lines, JSON arrays, CSV, parquet and Arrow,
    compressed or not, and folders of them (in a folder, the files with the split's name in theirs, where there are
    any). A prompt may be a list of messages: one turn of the user, with a system turn before it, which must be
    `model.system`. A dotted name reads inside a table, as in
    `reward_model.ground_truth`. Without `test_path` a share of the rows, chosen by the shuffle seed, is the test split;
    a row whose question is asked in training stays there. A problem's key is its line number, with `test-` before it
    where it comes from the second file.
    """

    path: Annotated[
        str,
        Field(description="file, folder, or hf://datasets/OWNER/NAME; relative ones start at the working directory"),
    ]
    prompt: Annotated[
        str, Field(min_length=1, description=f"column of the question; where 'prompt' is absent: {', '.join(PROMPTS)}")
    ] = "prompt"
    answer: Annotated[
        str,
        Field(
            min_length=1, description=f"column of the reference answer; where 'answer' is absent: {', '.join(ANSWERS)}"
        ),
    ] = "answer"
    answer_after: Annotated[str, Field(description="the answer is what follows the last of these; empty: all")] = ""
    template: Annotated[str, Field(description="what the model is asked; {prompt} stands for the question")] = SLOT
    test_path: Annotated[str | None, Field(description="a file for the test split; none: a share of the lines")] = None
    test_share: Annotated[float, Field(ge=0, lt=1, description="share of the lines held out")] = 0.1
    shuffle: Seed = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_template("jsonl", self.template)

    def problem(self, number: int, split: Split) -> Problem:
        line, columns = self.line(number, split)
        own = split == "test" and self.test_path is not None
        return Problem(
            key=f"test-{line.key}" if own else line.key,
            prompt=self.template.replace(SLOT, question(cell(line.row, columns["prompt"]), "prompt")[0]),
            answer=self.reference(line.row, columns["answer"]),
            data=line.row,
        )

    def line(self, number: int, split: Split) -> tuple[Line, Mapping[str, str]]:
        """A problem's row, and the columns by field; ValueError where the files have errors."""
        contents = prepare(self)
        if contents.errors:
            raise ValueError("; ".join(contents.errors))
        check_number(number, len(contents.lines[split]), split)
        return contents.lines[split][number], contents.columns

    def size(self, split: Split) -> int:
        return len(prepare(self).lines[split])

    def check(self) -> list[str]:
        return list(prepare(self).errors)

    def place(self, number: int, split: Split) -> str:
        path = self.test_path if split == "test" and self.test_path is not None else self.path
        return f"{path}, {self.line(number, split)[0].place}"

    def system(self, number: int, split: Split) -> str | None:
        line, columns = self.line(number, split)
        return question(cell(line.row, columns["prompt"]), "prompt")[1]

    def version(self) -> str:
        return f"{stamp(self.path)} {stamp(self.test_path)}"

    def contents(self) -> Contents:
        """Splits, columns and errors, read from the files."""
        files = {name: path for name, path in (("path", self.path), ("test_path", self.test_path)) if path is not None}
        columns, errors = dict[str, str](), list[str]()
        for name, path in files.items():
            rows = self.rows("test" if name == "test_path" else "train")
            found = {field: self.column(field, rows.rows) for field in ("prompt", "answer")}
            wrong = rows.errors or tuple(self.missing(found, rows.rows)) or tuple(self.row_errors(rows.rows, found))
            errors += [f"jsonl.{name} = {path!r}: {error}" for error in wrong]
            other = [field for field in columns if columns[field] != found[field]]
            if other and not wrong:
                errors.append(
                    f"jsonl.{name} = {path!r}: has other columns than path; set {other[0]} to one that both have"
                )
            columns = columns or found
        empty: dict[Split, Lines] = {"train": (), "test": ()}
        splits = empty if errors else self.splits(columns["prompt"])
        if not errors and not splits["train"]:
            errors.append(f"jsonl.test_share = {self.test_share}: leaves no line for training; set it lower")
        return Contents(splits, columns, tuple(errors))

    def rows(self, split: Split) -> Rows:
        """The rows that a split is made of."""
        if split == "test" and self.test_path is not None:
            return read_rows(self.test_path, "test")
        return read_rows(self.path, "train")

    def column(self, field: str, rows: Lines) -> str:
        """The column that a field is read from: its own, or where the usual one is absent the first of the others."""
        name = str(getattr(self, field))
        others = {"prompt": PROMPTS, "answer": ANSWERS}[field] if name == field else ()
        return next(
            (each for each in (name, *others) if any(cell(line.row, each) is not ABSENT for line in rows)), name
        )

    def missing(self, columns: Mapping[str, str], rows: Lines) -> Iterator[str]:
        """Columns that no row has."""
        there = ", ".join(dict.fromkeys(name for line in rows for name in line.row))
        for field, name in columns.items():
            if all(cell(line.row, name) is ABSENT for line in rows):
                yield f"no column {name!r} (field {field}); its columns: {there}; set task.{field} to one of these"

    def row_errors(self, rows: Lines, columns: Mapping[str, str]) -> list[str]:
        """What is wrong in single rows, each kind once."""
        return summarised(finding for line in rows for finding in self.row_findings(line, columns))

    def row_findings(self, line: Line, columns: Mapping[str, str]) -> Iterator[Finding]:
        """What is wrong in one row."""
        for field in ("prompt", "answer"):
            value, name = cell(line.row, columns[field]), columns[field]
            try:
                text = question(value, name)[0] if field == "prompt" else plain(value, name)
            except CellError as error:
                yield Finding(f"{field} {error.kind}", line.place, str(error), REMEDIES[error.kind])
                continue
            if not text.strip():
                yield Finding(f"{field} empty", line.place, f"{name} is empty", REMEDIES["empty"])
            elif field == "answer" and not self.reference(line.row, name):
                what = f"nothing follows {self.answer_after!r} in {name}"
                yield Finding("after", line.place, what, "correct the row, or task.answer_after")

    def reference(self, row: Mapping[str, Any], column: str) -> str:
        """The reference answer of a row; empty if the text before it is absent."""
        text = plain(cell(row, column), column)
        if not self.answer_after:
            return text.strip()
        before, mark, after = text.rpartition(self.answer_after)
        del before
        return after.strip() if mark else ""

    def splits(self, column: str) -> dict[Split, Lines]:
        """The rows of both splits, in their order; they share no question, unless two files do."""
        if self.test_path is not None:
            return {split: ordered(self.rows(split).rows, self.shuffle) for split in SPLITS}
        if located(self.path).is_dir():
            test = read_rows(self.path, "test").rows
            train = self.rows("train").rows
            if {line.key for line in test} != {line.key for line in train}:  # files of both names
                return {"train": ordered(train, self.shuffle), "test": ordered(test, self.shuffle)}
        rows = ordered(self.rows("train").rows, self.shuffle)
        kept = len(rows) - math.ceil(self.test_share * len(rows))
        asked = {same_question(line, column) for line in rows[:kept]}
        held = [line for line in rows[kept:] if same_question(line, column) not in asked]
        back = [line for line in rows[kept:] if same_question(line, column) in asked]
        return {"train": (*rows[:kept], *back), "test": tuple(held)}


def same_question(line: Line, column: str) -> str:
    """A row's question, white space aside: equal for rows that ask the same."""
    return " ".join(question(cell(line.row, column), column)[0].split())


def ordered(rows: Sequence[Line], seed: int | None) -> Lines:
    """Rows in the order of a seed; without one as they come."""
    return tuple(rows[place] for place in order(len(rows), seed))


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
    return prepare_as_of(task, task.version())


@functools.lru_cache(maxsize=8)
def prepare_as_of(task: Jsonl, version: str) -> Contents:
    """The contents of a task's files when they had this version."""
    del version
    read_rows.cache_clear()
    contents = task.contents()
    read_rows.cache_clear()  # the splits hold all that is needed
    return contents


def stamp(path: str | None) -> list[tuple[str, int, int]]:
    """Name, time of change and size of a file, or of every file of a folder; empty if there is none."""
    if path is None:
        return []
    try:
        place = located(path)
    except HubError:  # told by `check`
        return []
    files = data_files(place) if place.is_dir() else [place] if place.is_file() else []
    return [(str(file), file.stat().st_mtime_ns, file.stat().st_size) for file in files]
