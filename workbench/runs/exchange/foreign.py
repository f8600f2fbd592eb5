"""What every importer hands over: foreign rollouts, and the run directory that is made of them.

The run has no config and no checkpoint: it can be read, not resumed. What the other trainer did not write down is
missing here as well, never zero. A run appears when it is complete: one that fails leaves nothing behind.
"""

import math
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.runs.directory.documents import write_document
from workbench.runs.directory.paths import RunDirectory, check_name, write_json
from workbench.runs.directory.record import write_rollouts
from workbench.runs.exchange.files import Files
from workbench.runs.exchange.words import ModelWords, PlainWords, Words
from workbench.runs.process.recorder import Recorder

__all__ = ["Foreign", "ModelWords", "Options", "PlainWords", "Steps", "Words", "write_run"]

HALF = re.compile("[\ud800-\udfff]")  # half a surrogate pair, which no file of texts can hold
Pieces = Sequence[tuple[str, bool]]  # parts of an answer, and whether the policy wrote them


@dataclass
class Foreign:
    """A rollout as another trainer recorded it. `signals` are per token, named as in the run directory's columns."""

    prompt: str
    text: str
    reward: float = math.nan
    correct: float = math.nan  # 1 or 0; most trainers record rewards, not whether an answer is correct
    answer: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    pieces: Pieces | None = None  # where others (a tool) wrote a part of the text: joined, they are the text
    prompt_ids: Sequence[int] | None = None  # None: the text is all there is
    token_ids: Sequence[int] | None = None
    trained: Sequence[bool] | None = None  # None: all of them, or as the pieces say
    advantage: float | None = None  # of all its trained tokens, where it is one number
    signals: Mapping[str, Sequence[float]] = field(default_factory=dict)
    problem: str = ""  # empty: the prompt tells problems apart
    group: str = ""  # which rollouts are compared; empty: those of one problem
    finish: str = "stop"


Steps = Iterable[tuple[int, list[Foreign]]]


@dataclass
class Options:
    """What is said about a folder besides its place, and what an importer notes while it reads.

    `rewards`: weights of the columns that are rewards, where the format does not say which are. `run`: which of them.
    `files` reads them.
    """

    rewards: Mapping[str, float] | None = None
    run: str | None = None
    notes: list[str] = field(default_factory=list)
    files: Files = field(default_factory=Files)

    def __post_init__(self) -> None:
        self.files.notes = self.notes


def write_run(
    steps: Steps, place: tuple[Path, str], words: Words, origin: Mapping[str, Any], options: Options
) -> RunDirectory:
    """A finished run of these steps at a place: (folder of runs, name). ValueError where there is not one rollout.

    It is written beside the runs under a hidden name, and gets its own when it is complete.
    """
    runs, name = place
    check_name(name)
    there = runs.is_dir()
    try:
        runs.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".import-", dir=runs))
    except OSError as error:
        raise ValueError(f"{runs}: no run can be written there ({error.strerror}); give another folder") from None
    try:
        directory = RunDirectory(draft / name).create()
        last = write_steps(directory, steps, words, origin, options)
        directory.tokenizer.mkdir(exist_ok=True)
        words.save(directory.tokenizer)
        write_document(directory.environment, {"time": time.time(), "imported": dict(origin)})
        status = {"state": "finished", "phase": "end", "step": last, "total": last, "attempt": 1, "tokens": 0}
        write_json(directory.status, {**status, "text": f"imported from {origin['format']}", "time": time.time()})
        return moved(directory, runs, {"imported": dict(origin), "training": {"steps": last}})
    finally:
        shutil.rmtree(draft)
        if not there and not any(runs.iterdir()):
            runs.rmdir()


def moved(directory: RunDirectory, runs: Path, resolved: Mapping[str, Any]) -> RunDirectory:
    """A complete run, moved to its name in the folder of runs, or that with a number."""
    name, number = directory.name, 1
    while True:
        target = runs / (name if number == 1 else f"{name}-{number}")
        write_document(directory.resolved, {"name": target.name, **resolved})
        try:
            if not target.exists():
                return RunDirectory(directory.path.rename(target))
        except OSError:  # another run took the name in between
            if not target.exists():
                raise
        number += 1


def new_directory(runs: Path, name: str) -> RunDirectory:
    """A new run of that name, or that with a number; ValueError where none can be made."""
    check_name(name)
    number = 1
    while True:
        try:
            return RunDirectory(runs / (name if number == 1 else f"{name}-{number}")).create()
        except FileExistsError:
            number += 1
        except OSError as error:
            raise ValueError(f"{runs}: no run can be written there ({error.strerror}); give another folder") from None


def write_steps(
    directory: RunDirectory, steps: Steps, words: Words, origin: Mapping[str, Any], options: Options
) -> int:
    """Writes every step that has rollouts, and what was noted; answers the last step's number."""
    recorder, written = Recorder(directory, 1), list[int]()
    recorder.event("imported", f"from {origin['source']}, as written by {origin['format']}", 0)
    for number, rollouts in steps:
        if not rollouts:
            options.notes.append(f"step {number} holds no rollouts and is left out")
            continue
        write_rollouts(directory.rollout_file(number), columns(number, rollouts, words))
        recorder.metrics.write({"attempt": 1, "step": number, "time": time.time(), **summary(rollouts)})
        written.append(number)
    if isinstance(words, PlainWords) and words.mixed:
        options.notes.append(words.mixed)
    for note in dict.fromkeys(options.notes):
        recorder.event("note", note)
    recorder.close()
    if not written:
        raise ValueError(f"{origin['source']} holds no rollouts; give the folder that the trainer wrote them to")
    return max(written)


def summary(rollouts: Sequence[Foreign]) -> dict[str, float]:
    """The metrics of a step that its rollouts tell."""
    found = {"reward": mean([rollout.reward for rollout in rollouts]), "rollouts": float(len(rollouts))}
    for part in dict.fromkeys(name for rollout in rollouts for name in rollout.parts):
        found[f"reward.{part}"] = mean([rollout.parts.get(part, math.nan) for rollout in rollouts])
    return {name: value for name, value in found.items() if not math.isnan(value)}


def mean(values: Sequence[float]) -> float:
    """Mean of the finite numbers; nan of none."""
    known = [value for value in values if math.isfinite(value)]
    return statistics.fmean(known) if known else math.nan


def columns(step: int, rollouts: Sequence[Foreign], words: Words) -> dict[str, Any]:
    """The columns of a step; rollouts of one group, or of one problem, or of one prompt, are a group."""
    read = [tokens_of(each, words) for each in rollouts]
    ids, trained = [tokens for tokens, _ in read], [marks for _, marks in read]
    prompts = [list(words.ids(whole(each.prompt)) if each.prompt_ids is None else each.prompt_ids) for each in rollouts]
    if isinstance(words, PlainWords):
        words.others |= any(each.token_ids is not None for each in rollouts)
    numbers: dict[Any, int] = {}
    keys = [each.group or each.problem or tuple(prompt) for each, prompt in zip(rollouts, prompts, strict=True)]
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
        "prompt": [whole(each.prompt) or words.text(prompt) for each, prompt in zip(rollouts, prompts, strict=True)],
        "prompt_ids": prompts,
        "text": [whole(each.text) or words.text(tokens) for each, tokens in zip(rollouts, ids, strict=True)],
        "answer": [whole(each.answer) for each in rollouts],
        "token_ids": ids,
        "trained": trained,
        "reward": [each.reward for each in rollouts],
        "correct": [each.correct for each in rollouts],
        "parts": [[part(name, value) for name, value in each.parts.items()] for each in rollouts],
        "finish": [each.finish for each in rollouts],
        **token_columns(rollouts, trained),
    }


def tokens_of(rollout: Foreign, words: Words) -> tuple[list[int], list[bool]]:
    """The tokens of an answer, and which of them are trained: what others wrote is not."""
    if rollout.token_ids is not None or rollout.pieces is None:
        ids = list(words.ids(whole(rollout.text)) if rollout.token_ids is None else rollout.token_ids)
        return ids, [True] * len(ids) if rollout.trained is None else [bool(mark) for mark in rollout.trained]
    ids, trained = list[int](), list[bool]()
    for text, own in rollout.pieces:
        tokens = words.ids(whole(text))
        ids += tokens
        trained += [own] * len(tokens)
    return ids, trained


def whole(text: str) -> str:
    """A text without half characters, which stand as U+FFFD.

    >>> whole("a\\ud83d")
    'a\ufffd'
    """
    return HALF.sub("\N{REPLACEMENT CHARACTER}", text)


def part(name: str, value: float) -> dict[str, Any]:
    """A reward component as it is recorded."""
    return {"name": name, "value": value, "correct": math.nan, "reason": "", "extracted": ""}


def token_columns(
    rollouts: Sequence[Foreign], trained: Sequence[Sequence[bool]]
) -> dict[str, list[list[float] | None]]:
    """Signals per token; a rollout without one has a null, a token that is not trained has no advantage."""
    found: dict[str, list[list[float] | None]] = {}
    for name in dict.fromkeys(name for each in rollouts for name in each.signals):
        found[name] = [list(each.signals[name]) if name in each.signals else None for each in rollouts]
    if any(each.advantage is not None for each in rollouts):
        per_token = found.get("advantage", [None] * len(rollouts))
        found["advantage"] = [
            values or (None if each.advantage is None else spread(each.advantage, marks))
            for each, values, marks in zip(rollouts, per_token, trained, strict=True)
        ]
    return found


def spread(value: float, trained: Sequence[bool]) -> list[float]:
    """A rollout's number at its trained tokens, nan elsewhere."""
    return [value if mark else math.nan for mark in trained]
