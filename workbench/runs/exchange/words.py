"""Texts to token ids and back for imported runs: by a model's tokenizer, or by the words of the texts themselves."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

WORD = r"\s*\S+|\s+"  # what counts as a token where no tokenizer is given: a word with the space before it


@runtime_checkable
class Words(Protocol):
    """Turns texts into token ids and back, and is kept with the run."""

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without special ones."""

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens, special ones included."""

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json."""


class ModelWords:
    """The tokenizer of a model: a folder or a Hub name."""

    def __init__(self, name: str) -> None:
        from transformers import AutoTokenizer

        try:
            self.tokenizer = AutoTokenizer.from_pretrained(name)
        except (OSError, ValueError) as error:
            first = str(error).splitlines()[0]
            raise ValueError(f"tokenizer {name!r} cannot be loaded ({first}); give a folder or a Hub name") from None

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, without special ones."""
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def text(self, ids: Sequence[int]) -> str:
        """The text of tokens, special ones included."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=False))

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json."""
        self.tokenizer.save_pretrained(folder)


class PlainWords:
    """Words of the texts themselves, numbered as they come: good for reading where the true tokens are not known."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.others = False  # whether token ids of a model stand in the run as well

    def ids(self, text: str) -> list[int]:
        """A number for every word with the space before it."""
        return [self.numbers.setdefault(word, len(self.numbers)) for word in re.findall(WORD, text)]

    def text(self, ids: Sequence[int]) -> str:
        """The words of numbers."""
        words = list(self.numbers)
        return "".join(words[number] for number in ids if number < len(words))

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json: a vocabulary of whole words; none where it would name a model's tokens by them."""
        if self.numbers and not self.others:
            self.write(folder / "tokenizer.json")

    @property
    def mixed(self) -> str:
        """What is to be said where words and a model's token ids stand in one run; empty where they do not."""
        told = "some rollouts have token ids and others texts alone, so tokens stay numbers; give their --tokenizer"
        return told if self.numbers and self.others else ""

    def write(self, path: Path) -> None:
        """The vocabulary as a file; there must be a word."""
        tokenizer = Tokenizer(models.WordLevel(self.numbers, unk_token=next(iter(self.numbers))))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "isolated")
        tokenizer.decoder = decoders.Fuse()
        tokenizer.save(str(path))
