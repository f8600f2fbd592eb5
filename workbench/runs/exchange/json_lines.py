"""Reads files of JSON lines that another program wrote, and may have been killed while it wrote."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow


def objects(path: Path, notes: list[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with their line numbers; lines end at line feeds alone: U+2028 may stand within one.

    A last line without its end is left out and noted. ValueError names the file and any other line that is no object.
    """
    with opened(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip(b" \t\r\n\0"):
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError):
                row = None
            if isinstance(row, dict):
                yield number, row
            elif not line.endswith(b"\n"):
                notes.append(f"{path.name}, line {number}: the last line is torn and is left out")
            else:
                raise ValueError(f"{path}, line {number}: no JSON object; remove the line, or copy the file again")


def opened(path: Path) -> io.BufferedIOBase:
    """A file, unpacked by its name: .gz, or .zst, of which several frames may stand one after the other."""
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.open(path))
    if path.suffix == ".zst":
        return io.BytesIO(pyarrow.input_stream(str(path), compression="zstd").read())
    return path.open("rb")
