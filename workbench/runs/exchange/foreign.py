"""What every importer hands over: foreign rollouts, and the run directory that is made of them.

The run has no config and no checkpoint: it can be read, not resumed. What the other trainer did not write down is
missing here as well, never zero.
"""

import math
import re
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

from workbench.runs.directory.paths import RunDirectory, new_directory, write_json
from workbench.runs.directory.record import write_rollouts
from workbench.runs.process.recorder import Recorder

WORD = r"\s*\S+|\s+"  # what counts as a token where no tokenizer is given: a word with the space before it


@dataclass
class Foreign:
    """A rollout as another trainer recorded it. `signals` are per token, named as in the run directory's columns."""

    prompt: str
    text: str
    reward: float = math.nan
    answer: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    prompt_ids: Sequence[int] | None = None  # None: the text is all there is
    token_ids: Sequence[int] | None = None
    trained: Sequence[bool] | None = None  # None: all of them
    advantage: float | None = None  # of all its tokens, where it is one number
    signals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    problem: str = ""  # empty: the prompt tells problems apart


Steps = Iterable[tuple[int, list[Foreign]]]


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

    def ids(self, text: str) -> list[int]:
        """A number for every word with the space before it."""
        return [self.numbers.setdefault(word, len(self.numbers)) for word in re.findall(WORD, text)]

    def text(self, ids: Sequence[int]) -> str:
        """The words of numbers."""
        words = list(self.numbers)
        return "".join(words[number] for number in ids if number < len(words))

    def save(self, folder: Path) -> None:
        """Writes tokenizer.json: a vocabulary of whole words."""
        if not self.numbers:
            return
        tokenizer = Tokenizer(models.WordLevel(self.numbers, unk_token=next(iter(self.numbers))))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "isolated")
        tokenizer.decoder = decoders.Fuse()
        tokenizer.save(str(folder / "tokenizer.json"))


def write_run(steps: Steps, runs: Path, name: str, words: Words, origin: Mapping[str, Any]) -> RunDirectory:
    """A finished run of these steps in a new folder below `runs`; ValueError where there is not one rollout."""
    steps = iter(steps)
    first = next(steps, None)
    if first is None:
        raise ValueError(f"{origin['source']} holds no rollouts; give the folder that the trainer wrote them to")
    directory = new_directory(runs, name)
    recorder, last = Recorder(directory, 1), 0
    recorder.event("imported", f"from {origin['source']}, as written by {origin['format']}", 0)
    for number, rollouts in chained(first, steps):
        write_rollouts(directory.rollout_file(number), columns(number, rollouts, words))
        recorder.metrics.write({"attempt": 1, "step": number, "time": time.time(), **summary(rollouts)})
        last = number
    recorder.close()
    directory.tokenizer.mkdir(exist_ok=True)
    words.save(directory.tokenizer)
    write_json(directory.resolved, {"name": directory.name, "imported": dict(origin), "training": {"steps": last}})
    write_json(directory.environment, {"time": time.time(), "imported": dict(origin)})
    status = {"state": "finished", "phase": "end", "step": last, "total": last, "attempt": 1, "tokens": 0}
    write_json(directory.status, {**status, "text": f"imported from {origin['format']}", "time": time.time()})
    return directory


def chained(first: tuple[int, list[Foreign]], rest: Iterator[tuple[int, list[Foreign]]]) -> Steps:
    """All steps, the one that was looked at ahead included."""
    yield first
    yield from rest


def summary(rollouts: Sequence[Foreign]) -> dict[str, float]:
    """The metrics of a step that its rollouts tell."""
    found = {"reward": mean([rollout.reward for rollout in rollouts]), "rollouts": float(len(rollouts))}
    for part in dict.fromkeys(name for rollout in rollouts for name in rollout.parts):
        found[f"reward.{part}"] = mean([rollout.parts.get(part, math.nan) for rollout in rollouts])
    return {name: value for name, value in found.items() if not math.isnan(value)}


def mean(values: Sequence[float]) -> float:
    """Mean of the numbers that are there; nan of none."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.fmean(known) if known else math.nan


def columns(step: int, rollouts: Sequence[Foreign], words: Words) -> dict[str, Any]:
    """The columns of a step; rollouts of one prompt are a group."""
    ids = [list(words.ids(each.text) if each.token_ids is None else each.token_ids) for each in rollouts]
    prompts = [list(words.ids(each.prompt) if each.prompt_ids is None else each.prompt_ids) for each in rollouts]
    numbers: dict[Any, int] = {}
    keys = [each.problem or tuple(prompt) for each, prompt in zip(rollouts, prompts, strict=True)]
    groups = [numbers.setdefault(key, len(numbers)) for key in keys]
    offsets = [0]
    for tokens in ids:
        offsets.append(offsets[-1] + len(tokens))
    return {
        "offsets": offsets,
        "step": [step] * len(rollouts),
        "rollout": list(range(len(rollouts))),
        "group": groups,
        "round": [0] * len(rollouts),
        "problem": [each.problem or f"prompt/{group}" for each, group in zip(rollouts, groups, strict=True)],
        "tag": [""] * len(rollouts),
        "prompt": [each.prompt or words.text(prompt) for each, prompt in zip(rollouts, prompts, strict=True)],
        "prompt_ids": prompts,
        "text": [each.text or words.text(tokens) for each, tokens in zip(rollouts, ids, strict=True)],
        "answer": [each.answer for each in rollouts],
        "token_ids": ids,
        "trained": [list(each.trained or [True] * len(tokens)) for each, tokens in zip(rollouts, ids, strict=True)],
        "reward": [each.reward for each in rollouts],
        "correct": [math.nan] * len(rollouts),  # other trainers record rewards, not verdicts
        "parts": [[part(name, value) for name, value in each.parts.items()] for each in rollouts],
        "finish": ["stop"] * len(rollouts),
        **token_columns(rollouts, ids),
    }


def part(name: str, value: float) -> dict[str, Any]:
    """A reward part as it is recorded."""
    return {"name": name, "value": value, "correct": math.nan, "reason": "", "extracted": ""}


def token_columns(rollouts: Sequence[Foreign], ids: Sequence[Sequence[int]]) -> dict[str, list[list[float] | None]]:
    """Signals per token; a rollout without one has a null."""
    found: dict[str, list[list[float] | None]] = {}
    for name in dict.fromkeys(name for each in rollouts for name in each.signals):
        found[name] = [list(each.signals[name]) if name in each.signals else None for each in rollouts]
    if any(each.advantage is not None for each in rollouts):
        found["advantage"] = [
            None if each.advantage is None else [each.advantage] * len(tokens)
            for each, tokens in zip(rollouts, ids, strict=True)
        ]
    return found
