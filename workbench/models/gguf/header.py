"""The header of a GGUF file: its metadata and where its tensors are, without the tensors.

Read here and not by the package `gguf`, because it is asked for whenever a config is checked: in a tenth of a second,
and with an error that says what is wrong where a file is cut or is none. Every read is checked against the file's
length, so that a hostile file costs no more time and memory than its own length.
"""

import mmap
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC = b"GGUF"
VERSIONS = (2, 3)
STRING, ARRAY = 8, 9
LENGTH = struct.Struct("<Q")  # of a string
#: `struct` codes of the metadata's plain types, by the format's number for them.
PLAIN = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
ALIGNMENT = 32  # of the tensor data, where general.alignment is missing
LONGEST_NAME = 1 << 16  # bytes of a key or of a tensor's name


@dataclass(frozen=True)
class TensorInfo:
    """One tensor's place. `shape` as torch has it; `kind` is the format's number of its type."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int  # bytes from `Header.data_start`


@dataclass(frozen=True)
class Header:
    """A file's metadata; of an array only the length is kept."""

    values: dict[str, Any] = field(default_factory=dict)
    tensors: tuple[TensorInfo, ...] = ()
    data_start: int = 0
    size: int = 0  # bytes of the file

    @property
    def architecture(self) -> str:
        """The model's family, as llama.cpp calls it."""
        return str(self.values.get("general.architecture", ""))

    @property
    def names(self) -> frozenset[str]:
        """Names of all tensors."""
        return frozenset(tensor.name for tensor in self.tensors)

    def tensor(self, name: str) -> TensorInfo | None:
        """A tensor by its name."""
        return next((tensor for tensor in self.tensors if tensor.name == name), None)


def read_header(path: Path) -> Header:
    """The header of a file; ValueError says what is wrong with it, OSError where it cannot be opened."""
    with path.open("rb") as file:
        start = file.read(8)
        if start[:4] != MAGIC:
            raise ValueError("it is no GGUF file: it does not begin with the letters GGUF")
        version = int.from_bytes(start[4:], "little")
        if version not in VERSIONS:
            raise ValueError(f"it has version {version} of the format; readable are {VERSIONS[0]} and {VERSIONS[1]}")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return Cursor(data, 8).header()
            except (struct.error, UnicodeDecodeError, OverflowError):
                raise ValueError(f"its header is cut short or damaged ({len(data)} bytes)") from None


@dataclass
class Cursor:
    """A place in the file from which values are read one after the other; struct.error past the end."""

    data: mmap.mmap
    at: int

    def header(self) -> Header:
        """All of it, from behind the version on."""
        tensors, pairs = self.plain("Q"), self.plain("Q")
        values: dict[str, Any] = {}
        for _ in range(pairs):
            key = self.name()
            values[key] = self.value(self.plain("I"))
        infos = tuple(self.tensor() for _ in range(tensors))
        alignment = values.get("general.alignment", ALIGNMENT)
        if not isinstance(alignment, int) or alignment < 1:
            raise ValueError(f"general.alignment = {alignment!r} is no alignment")
        return Header(values, infos, -(-self.at // alignment) * alignment, len(self.data))

    def plain(self, code: str) -> Any:
        """One number."""
        (value,) = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def skip(self, count: int) -> int:
        """Passes so many bytes; where they began."""
        began, self.at = self.at, self.at + count
        if self.at > len(self.data):
            raise struct.error("past the end")
        return began

    def text(self) -> str:
        """A string."""
        length = self.plain("Q")
        began = self.skip(length)
        return self.data[began : self.at].decode("utf-8")

    def name(self) -> str:
        """A short string."""
        text = self.text()
        if len(text) > LONGEST_NAME:
            raise ValueError(f"a name in its header has {len(text)} characters")
        return text

    def value(self, kind: int) -> Any:
        """A value of the metadata; of an array its length."""
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            return self.array()
        if kind not in PLAIN:
            raise ValueError(f"its header holds a value of the unknown type {kind}")
        return self.plain(PLAIN[kind])

    def array(self) -> int:
        """Passes an array; how many items it has."""
        kind, count = self.plain("I"), self.plain("Q")
        if kind in PLAIN:
            self.skip(count * struct.calcsize("<" + PLAIN[kind]))
        elif kind == STRING:
            self.skip_strings(count)
        else:
            raise ValueError(f"its header holds an array of the unknown type {kind}")
        return int(count)

    def skip_strings(self, count: int) -> None:
        """Passes so many strings; a vocabulary has 50,000 and more, so without a call for each."""
        data, at = self.data, self.at
        for _ in range(count):
            at += LENGTH.size + LENGTH.unpack_from(data, at)[0]
        self.skip(at - self.at)

    def tensor(self) -> TensorInfo:
        """A line of the table of tensors."""
        name = self.name()
        shape = tuple(self.plain("Q") for _ in range(min(self.plain("I"), 8)))
        return TensorInfo(name, shape[::-1], self.plain("I"), self.plain("Q"))
