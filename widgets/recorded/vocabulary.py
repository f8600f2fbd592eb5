"""Token ids as text: what one token shows, its bytes where they are no whole characters, and which are special."""

import codecs
import functools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

MOST_PIECES = 32  # tokens; a run of bytes longer than this is no text


@functools.cache
def byte_alphabet() -> dict[str, int]:
    """The letters with which byte-level BPE writes bytes: printable ones stand for themselves (GPT-2's table)."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + place): byte for place, byte in enumerate(hidden)}


class Vocabulary:
    """Reads token ids with a run's own tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        plain = json.loads(tokenizer.to_str())
        self.special = {entry["id"] for entry in plain["added_tokens"] if entry["special"]}
        self.special_texts = tuple(entry["content"] for entry in plain["added_tokens"] if entry["special"])
        self.added = {entry["id"] for entry in plain["added_tokens"]}
        self.decoders = decoder_types(plain.get("decoder"))

    @classmethod
    def load(cls, folder: Path) -> "Vocabulary | None":
        """From a run's `tokenizer/` folder; None where it holds no tokenizer.json: tokens then show their ids."""
        file = folder / "tokenizer.json"
        return cls(Tokenizer.from_file(str(file))) if file.is_file() else None

    def entries(self, ids: Iterable[int]) -> dict[str, list[Any]]:
        """For every id that occurs: its text, 1 if it is special, its bytes in hex where they are no whole text."""
        return {str(token): self.entry(token) for token in sorted(set(ids))}

    def entry(self, token: int) -> list[Any]:
        """Text, special mark, and bytes of one token."""
        piece = self.tokenizer.id_to_token(token)
        if piece is None:
            return [f"⟨no token {token}⟩", 1]
        if token in self.added:
            return [piece, int(token in self.special)]
        raw = self.bytes_of(piece)
        if raw is None:
            return [self.tokenizer.decode([token], skip_special_tokens=False), 0]
        try:
            return [raw.decode(), 0]
        except UnicodeDecodeError:
            return ["⟨" + raw.hex(" ").upper() + "⟩", 0, raw.hex(" ")]

    def bytes_of(self, piece: str) -> bytes | None:
        """The bytes a piece stands for; None where the tokenizer does not work on bytes."""
        if "ByteLevel" in self.decoders:
            alphabet = byte_alphabet()
            if all(letter in alphabet for letter in piece):
                return bytes(alphabet[letter] for letter in piece)
            return piece.encode()
        if "ByteFallback" in self.decoders and len(piece) == 6 and piece.startswith("<0x"):
            return bytes.fromhex(piece[3:5])
        if self.decoders & {"Metaspace", "Replace"}:
            return piece.replace("▁", " ").encode()
        return None


def spelled(entries: Sequence[Sequence[Any]]) -> list[str]:
    """The texts of tokens in a row: a character that several make stands on the last of them, as in the pages.

    >>> spelled([["x", 0], ["⟨20 E2 89⟩", 0, "20 e2 89"], ["⟨88⟩", 0, "88"], ["⟨88⟩", 0, "88"]])
    ['x', ' ', '≈', '⟨88⟩']
    """
    texts = [str(entry[0]) for entry in entries]
    at = 0
    while at < len(entries):
        parts = joined(entries[at : at + MOST_PIECES])
        texts[at : at + len(parts)] = parts
        at += max(1, len(parts))
    return texts


def joined(entries: Sequence[Sequence[Any]]) -> list[str]:
    """The fewest first tokens whose bytes are whole characters, as the characters each completes; none: empty."""
    stream = codecs.getincrementaldecoder("utf-8")()
    parts: list[str] = []
    for entry in entries:
        if len(entry) < 3:
            return []
        try:
            parts.append(stream.decode(bytes.fromhex(entry[2])))
        except UnicodeDecodeError:
            return []
        if not stream.getstate()[0]:
            return parts
    return []


def decoder_types(decoder: dict[str, Any] | None) -> set[str]:
    """Every decoder's type, those inside a sequence included."""
    if decoder is None:
        return set()
    inner = [decoder_types(part) for part in decoder.get("decoders", [])]
    return {decoder["type"]}.union(*inner)
