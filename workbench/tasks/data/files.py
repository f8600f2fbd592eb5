"""Reads the rows of a data file, whatever its format: told by what is in it, not by its name.

JSON lines, a JSON array, CSV and TSV, parquet, Arrow; each as it is or compressed (gzip, bzip2, xz, zstd); or a folder
of such files. Nothing is guessed: what cannot be read is named with its line and what to do.
"""

import bz2
import codecs
import csv
import functools
import gzip
import io
import json
import lzma
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from workbench.errors import Finding, shortened, summarised
from workbench.tasks.data.hub import HubError, hub_folder, is_hub

SUFFIXES = (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow")
PACKED = (".gz", ".bz2", ".xz", ".zst")
BROKEN = (OSError, EOFError, ValueError, lzma.LZMAError, pyarrow.ArrowException)  # what readers raise for bad bytes
#: First bytes of a compressed file -> how it is unpacked.
UNPACK: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ": lzma.decompress,
    b"\x28\xb5\x2f\xfd": lambda packed: bytes(pyarrow.CompressedInputStream(io.BytesIO(packed), "zstd").read()),
}


@dataclass(frozen=True)
class Line:
    """A row with its place: the number of its line, item or row, from 1; `file` where there are several."""

    number: int
    row: Mapping[str, Any]
    unit: str = "line"
    file: str = ""

    @property
    def key(self) -> str:
        """What tells it from every other row."""
        return f"{self.file}/{self.number}" if self.file else str(self.number)

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.file}, {self.unit} {self.number}" if self.file else f"{self.unit} {self.number}"


@dataclass(frozen=True)
class Rows:
    """The rows of a file, and the errors that were found in it."""

    rows: tuple[Line, ...] = ()
    errors: tuple[str, ...] = ()


@functools.lru_cache(maxsize=2)
def read_rows(path: str, split: str = "") -> Rows:
    """The rows of a file, or of the files of a folder: there only those named after the split, where there are any."""
    try:
        place = located(path)
    except HubError as error:
        return Rows(errors=(str(error),))
    if place.is_dir():
        return read_folder(place, split)
    if not place.is_file():
        return Rows(errors=(f"there is no such file (looked in {place.absolute()}); correct the path",))
    return read_file(place)


def located(path: str) -> Path:
    """The local file or folder of a path. HubError for one of the Hub (`hf://…`) that cannot be had."""
    return hub_folder(path) if is_hub(path) else Path(path).expanduser()


def read_folder(folder: Path, split: str) -> Rows:
    """The rows of all data files of a folder, by name."""
    files = data_files(folder)
    if not files:
        return Rows(errors=(f"the folder holds no data file ({', '.join(SUFFIXES)}); give a file, or such a folder",))
    chosen = [file for file in files if split and split in file.name.lower()] or files
    found = [(file.relative_to(folder).as_posix(), read_file(file)) for file in chosen]
    rows = [Line(line.number, line.row, line.unit, name) for name, each in found for line in each.rows]
    return Rows(tuple(rows), tuple(f"{name}: {error}" for name, each in found for error in each.errors))


def data_files(folder: Path) -> list[Path]:
    """The data files below a folder, hidden ones left out."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.name.startswith(".")]
    bare = {
        file: file.name.lower().removesuffix(file.suffix) if file.suffix in PACKED else file.name.lower()
        for file in files
    }
    return [file for file in files if bare[file].endswith(SUFFIXES)]


def read_file(file: Path) -> Rows:
    """The rows of one file."""
    try:
        content = file.read_bytes()
        for first, unpack in UNPACK.items():
            if content.startswith(first):
                content = unpack(content)
        if content.startswith(b"PAR1"):
            table = pyarrow.parquet.read_table(pyarrow.BufferReader(content))
        elif file.suffix == ".arrow" or content.startswith(b"ARROW1"):
            table = read_arrow(content)
        else:
            return read_text(content, file.name)
    except BROKEN as error:
        why = " ".join(str(error).split())[:120]
        return Rows(errors=(f"cannot be read ({why}); download or write it again",))
    rows = tuple(Line(number, row, "row") for number, row in enumerate(table.to_pylist(), 1))
    return Rows(rows) if rows else Rows(errors=("the file is empty; give one with a row for each problem",))


def read_arrow(content: bytes) -> Any:
    """An Arrow table, in its file form or as a stream (as `datasets` keeps it)."""
    source = pyarrow.BufferReader(content)
    return (pyarrow.ipc.open_file if content.startswith(b"ARROW1") else pyarrow.ipc.open_stream)(source).read_all()


def read_text(content: bytes, name: str) -> Rows:
    """The rows of a text file."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return Rows(errors=(f"line {line}: byte {error.start} is no UTF-8 text; save the file as UTF-8",))
    if not text.strip():
        return Rows(errors=("the file is empty; give one with a row for each problem",))
    bare = name.lower()
    if ".csv" in bare or ".tsv" in bare:
        return read_table(text, "\t" if ".tsv" in bare else ",")
    return read_array(text) if text.lstrip()[0] == "[" else read_lines(text)


def read_table(text: str, separator: str) -> Rows:
    """CSV with its columns' names in the first line."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restkey="(no name)")
    try:
        rows = tuple(Line(reader.line_num, row) for row in reader)
    except csv.Error as error:
        return Rows(
            errors=(f"line {reader.line_num} is no CSV ({error}); correct it, or write the file as JSON lines",)
        )
    return Rows(rows) if rows else Rows(errors=("the file holds column names and no row; give one for each problem",))


def read_array(text: str) -> Rows:
    """One JSON array of objects."""
    row, error = parsed(text)
    if error:
        return Rows(errors=(f"{error}; correct it, or write one JSON object a line",))
    odd = [no_object(f"item {number}", item) for number, item in enumerate(row, 1) if not isinstance(item, dict)]
    if odd:
        return Rows((), tuple(summarised(odd)))
    return Rows(tuple(Line(number, item, "item") for number, item in enumerate(row, 1)))


def read_lines(text: str) -> Rows:
    """A JSON object a line; blank lines are left out. A file that is one object over several lines is one row."""
    rows, findings = list[Line](), list[Finding]()
    for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1):
        if not line.strip():
            continue
        row, error = parsed(line)
        if error:
            findings.append(Finding("json", f"line {number}", f"{error}: {line[:60]!r}", remedy_of(line)))
        elif not isinstance(row, dict):
            findings.append(no_object(f"line {number}", row))
        else:
            rows.append(Line(number, row))
    if findings and not rows:
        row, error = parsed(text)
        if not error and isinstance(row, dict):
            return within_object(row)
    return Rows((), tuple(summarised(findings))) if findings else Rows(tuple(rows))


def within_object(table: Mapping[str, Any]) -> Rows:
    """A whole file that is one object: a single row; rows under one of its names must be a file of their own."""
    lists = [name for name, value in table.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if lists:
        return Rows(errors=(f"is one JSON object with rows under {lists[0]!r}; write that list alone to a file",))
    return Rows((Line(1, table, "item"),))


def parsed(text: str) -> tuple[Any, str]:
    """A JSON value, or what is wrong with the text: no name may stand twice in an object."""
    try:
        return json.loads(text, object_pairs_hook=unique), ""
    except json.JSONDecodeError as error:
        return (
            None,
            f"no JSON ({error.msg}, at character {error.colno}{f' of line {error.lineno}' * (error.lineno > 1)})",
        )
    except RecursionError:
        return None, "brackets nested too deep"
    except ValueError as error:  # a name twice, or a number with more digits than Python reads
        return None, str(error).split(";")[0]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, if every name stands in it once."""
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(
            f"the name {next(name for name in names if names.count(name) > 1)!r} stands twice in an object"
        )
    return table


def no_object(place: str, value: Any) -> Finding:
    """The finding about a value that is no object."""
    return Finding(
        "object", place, f"no JSON object: {shortened(value)[:60]}", "write an object with a name for each column"
    )


def remedy_of(line: str) -> str:
    """What to do about a line that is no JSON."""
    if not line.strip("\0 \r"):
        return "remove the empty bytes: the file was cut off while it was written"
    if line.rstrip().endswith("},"):
        return "remove the comma at its end, or put the rows into one array"
    if line.lstrip().startswith("{'"):
        return "write it with json.dumps: JSON has double quotes"
    return "correct or remove the line"
