"""Binary payloads for the browser: one JSON header, then typed columns, each a multiple of four bytes long.

Layout: length of the header (uint32, little endian), header (UTF-8, padded with spaces), columns one after the other.
`header["columns"]` gives each column's type (`f4`, `i4` or `u1`), its offset behind the header and its length. A
million numbers are read without parsing; `payload.js` is the other end.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

TYPES: dict[str, np.dtype[Any]] = {"f4": np.dtype("<f4"), "i4": np.dtype("<i4"), "u1": np.dtype("u1")}
MANTISSA = 11  # bits of a rounded float32 that stay: three and a half digits


def pack(header: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> bytes:
    """A payload; float columns become float32, whole numbers int32, truth values bytes. Nan means missing."""
    directory: dict[str, dict[str, Any]] = {}
    blocks: list[bytes] = []
    offset = 0
    for name, values in columns.items():
        kind = type_of(values)
        block = np.ascontiguousarray(values, dtype=TYPES[kind]).tobytes()
        directory[name] = {"type": kind, "offset": offset, "length": int(values.size)}
        blocks.append(block + bytes(-len(block) % 4))
        offset += len(blocks[-1])
    text = json.dumps({**header, "columns": directory}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    return np.array([len(text)], "<u4").tobytes() + text + b"".join(blocks)


def unpack(payload: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The header and the columns of a payload.

    >>> header, columns = unpack(pack({"step": 3}, {"reward": np.array([1.0, 0.5])}))
    >>> header["step"], columns["reward"].tolist()
    (3, [1.0, 0.5])
    """
    size = int(np.frombuffer(payload, "<u4", 1)[0])
    header = json.loads(payload[4 : 4 + size])
    directory = header.pop("columns")
    columns = {
        name: np.frombuffer(payload, TYPES[entry["type"]], entry["length"], 4 + size + entry["offset"])
        for name, entry in directory.items()
    }
    return header, columns


def type_of(values: np.ndarray) -> str:
    """The column type that suits an array."""
    if values.dtype.kind == "b":
        return "u1"
    if values.dtype.kind in "iu":
        return "i4"
    if values.dtype.kind == "f":
        return "f4"
    raise ValueError(f"a column of {values.dtype} cannot be sent: give floats, whole numbers or truth values")


def rounded(values: np.ndarray) -> np.ndarray:
    """Float32 rounded to three and a half digits, so that it compresses well; nan stays nan.

    >>> rounded(np.array([0.1, -3.14159])).tolist()
    [0.100006103515625, -3.1416015625]
    """
    low_bits = 23 - MANTISSA
    bits = np.ascontiguousarray(values, dtype="<f4").view("<u4")
    half = np.uint32(1 << (low_bits - 1))
    kept = ((bits + half) >> np.uint32(low_bits)) << np.uint32(low_bits)
    return np.where(np.isfinite(values), kept.view("<f4"), np.float32(np.nan))


def number(value: Any) -> float | None:
    """A number for JSON; None where there is none."""
    return None if value is None or not np.isfinite(value) else float(value)
