"""The data in tokens, problem by problem, before step 1: what the model cannot read, and what would spoil a result.

Errors: a prompt that leaves no room for an answer, tokens that the model does not have, characters that no tokenizer
reads, a system prompt that is not the run's, a chat template that fails, no reference trace for a method that trains on
them. Warnings: the same question in training and
test, questions that repeat, special tokens written in a prompt, a missing reference answer.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from workbench.config import RunConfig
from workbench.errors import Finding, shortened, summarised
from workbench.kinds import Task
from workbench.models.encoder import TextEncoder
from workbench.models.load import architecture, files_version, text_encoder
from workbench.models.spec import ModelSpec
from workbench.planning.references import reference_errors
from workbench.sections import ExamPart, RewardPart
from workbench.types import Problem

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")
ENDLESS = 64  # problems of each split that are looked at where a task makes as many as are asked for
BATCH = 1024  # prompts that are put into tokens at once


@dataclass(frozen=True)
class Read:
    """A problem as the model would read it."""

    split: Split
    place: str
    problem: Problem
    system: str | None
    tokens: int  # of the prompt, chat template included
    largest: int  # its largest token id


@dataclass(frozen=True)
class DataReport:
    """What is known of a run's data. Lengths are in tokens, chat template included."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: dict[Split, int] = field(default_factory=dict)  # that were looked at
    longest: int = 0
    typical: int = 0  # the median

    def describe(self) -> list[str]:
        """Lines for people."""
        counts = ", ".join(f"{count:,} {split}" for split, count in self.problems.items())
        lengths = f"prompts of {self.typical:,} tokens, the longest {self.longest:,}"
        lines = [f"data: {counts} problems; {lengths}"] if counts else []
        lines += [f"error: {text}" for text in self.errors]
        return [*lines, *(f"warning: {text}" for text in self.warnings)]


def data_report(config: RunConfig) -> DataReport:
    """Looks at every problem of a run in tokens (of an endless task, at the first `ENDLESS` of each split).

    ValueError where the model's configuration or tokenizer cannot be read.
    """
    try:
        reader = Reader.of(config)
        read = read_all(config.task, config.model, (config.task.version(), files_version(config.model)))
        read_exams = [each for part in config.exams for each in exam_read(part, config.model)]
    except DataError as error:
        return DataReport(errors=tuple(error.errors))
    asked = [(each.place, each.problem) for each in read if each.split == "train"]
    missing = reference_errors(config.method.controller, asked, reader.encoder, reader.answer)
    refused = [finding for each in read for finding in refusals(each, config.rewards)]
    found = [finding for each in (*read, *read_exams) for finding in reader.errors(each)]
    errors = summarised([*found, *missing, *refused])
    warned = [*repeats(read), *(finding for each in read for finding in reader.warnings(each))]
    lengths = [each.tokens for each in read] or [0]
    return DataReport(
        tuple(errors),
        (*template_warnings(config, reader.encoder), *summarised(warned)),
        {split: sum(each.split == split for each in read) for split in SPLITS},
        max(lengths),
        round(median(lengths)),
    )


def exam_read(part: ExamPart, spec: ModelSpec) -> list[Read]:
    """The problems that an exam asks, in tokens. DataError where one cannot be read."""
    task = part.exam.task
    try:
        found = [(task.place(number, "test"), task.problem(number, "test")) for number in range(part.problems)]
    except Exception as error:  # a task may be a user's own code
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise DataError([f"exams.{part.key}: its test problems cannot be made ({why})"]) from error
    halves = [half for place, problem in found if (half := half_character(place, problem))]
    if halves:
        raise DataError(summarised(halves))
    tokens = text_encoder(spec).prompts([problem.prompt for _, problem in found])
    return [
        Read("test", f"exams.{part.key}: {place}", problem, None, len(ids), max(ids, default=-1))
        for (place, problem), ids in zip(found, tokens, strict=True)
    ]


def refusals(read: Read, parts: Sequence[RewardPart]) -> Iterator[Finding]:
    """References with which a reward could score no completion."""
    for part in parts:
        why = part.reward.refuses(read.problem) if part.only in ("", read.problem.source) else ""
        if why:
            what = f"rewards.{part.key} cannot score it: {why} ({shortened(read.problem.answer)[:60]})"
            yield Finding(f"reference {part.key}", read.place, what, "correct the reference, or remove the problem")


class DataError(ValueError):
    """Problems that cannot be put into tokens; `errors` lists why."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = list(errors)


def read_all(task: Task, spec: ModelSpec, version: object) -> tuple[Read, ...]:
    """Every problem of a task in tokens; kept until task, model or data change. DataError where one cannot be read."""
    try:
        hash(task)
    except TypeError:  # a user's task with a field that cannot be hashed
        return kept.__wrapped__(task, spec, version)
    return kept(task, spec, version)


@functools.lru_cache(maxsize=4)
def kept(task: Task, spec: ModelSpec, version: object) -> tuple[Read, ...]:
    """The same, kept."""
    del version
    encoder = text_encoder(spec)
    refuse_template(encoder, spec)
    found = list(problems_of(task))
    halves = [half for place, _, _, problem in found if (half := half_character(place, problem))]
    if halves:
        raise DataError(summarised(halves))
    read = []
    for start in range(0, len(found), BATCH):
        part = found[start : start + BATCH]
        tokens = encoder.prompts([problem.prompt for *_, problem in part])
        for (place, split, system, problem), ids in zip(part, tokens, strict=True):
            read.append(Read(split, place, problem, system, len(ids), max(ids, default=-1)))
    return tuple(read)


def problems_of(task: Task) -> Iterator[tuple[str, Split, str | None, Problem]]:
    """Every problem with its place; DataError where the task fails."""
    for split in SPLITS:
        size = task.size(split)
        for number in range(ENDLESS if size is None else size):
            try:
                yield task.place(number, split), split, task.system(number, split), task.problem(number, split)
            except Exception as error:  # a task may be a user's own code
                why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                raise DataError([f"task {task.name}: its {split} problem {number} cannot be made ({why})"]) from error


def refuse_template(encoder: TextEncoder, spec: ModelSpec) -> None:
    """DataError where the chat template takes no prompt, or not with this system prompt."""
    from jinja2 import TemplateError

    try:
        encoder.prompt("1 + 1 = ?")
    except (TemplateError, TypeError, ValueError) as error:  # what a template's own code raises
        why = " ".join(str(error).split())[:120]
        if spec.system is not None:
            place, remedy = f"model.system = {spec.system[:40]!r}", "leave it out, and write it into task.template"
        else:
            place, remedy = f"model.chat = {spec.chat!r}", "set model.chat = false, or correct the template"
        raise DataError([f"{place}: the chat template of {spec.name} refuses it ({why}); {remedy}"]) from None


def half_character(place: str, problem: Problem) -> Finding | None:
    """The finding about half a surrogate pair, which no tokenizer takes; None if there is none."""
    half = next((letter for letter in problem.prompt if "\ud800" <= letter <= "\udfff"), "")
    what = f"the prompt holds half a surrogate pair, U+{ord(half):04X}" if half else ""
    return Finding("half", place, what, "write the whole character, or remove the problem") if half else None


@dataclass(frozen=True)
class Reader:
    """What a run's model can read."""

    encoder: TextEncoder
    positions: int | None  # most tokens of prompt and answer; None: it names no limit
    vocabulary: int
    answer: int  # most tokens of an answer
    system: str | None
    special: re.Pattern[str]  # texts that the tokenizer reads as one special token

    @classmethod
    def of(cls, config: RunConfig) -> "Reader":
        """Of a run."""
        model, encoder = architecture(config.model), text_encoder(config.model)
        own = config.rollouts.vllm.longest if config.rollouts.engine == "vllm" else None
        known = [each for each in (getattr(model, "max_position_embeddings", None), own) if each is not None]
        vocabulary = model.get_text_config().vocab_size
        answer, system = config.rollouts.max_tokens, config.model.system
        return cls(encoder, min(known, default=None), vocabulary, answer, system, special_tokens(encoder))

    def errors(self, read: Read) -> Iterator[Finding]:
        """What the model cannot read of a problem."""
        if not read.problem.prompt.strip() or not read.tokens:
            yield Finding("empty", read.place, "the prompt is empty", "write one, or remove the problem")
        if self.positions is not None and read.tokens + self.answer > self.positions:
            what = f"the prompt has {read.tokens:,} tokens, too many with rollouts.max_tokens = {self.answer:,}"
            remedy = f"shorten or remove it, or lower max_tokens: the model has {self.positions:,} positions"
            yield Finding("long", read.place, what, remedy)
        if read.largest >= self.vocabulary:
            token = self.encoder.tokenizer.convert_ids_to_tokens(read.largest)
            what = f"token {token!r} (id {read.largest}) is not among the {self.vocabulary:,} that the model has"
            remedy = "take the tokenizer that belongs to the model, or leave the token out"
            yield Finding("vocabulary", read.place, what, remedy)
        if read.system is not None and read.system != self.system:
            what = f"its messages begin with the system prompt {shortened(read.system)}"
            remedy = f"set model.system to that, for all problems alike (it is {shortened(self.system)})"
            yield Finding("system", read.place, what, remedy)

    def warnings(self, read: Read) -> Iterator[Finding]:
        """What the model reads otherwise than it is meant, or cannot be graded."""
        special = self.special.search(read.problem.prompt)
        if special is not None:
            what = f"the prompt holds the text {special[0]!r}, which the tokenizer reads as a special token"
            yield Finding("special", read.place, what, "remove it, unless it is meant")
        if not read.problem.answer.strip():
            remedy = "give one, if a reward compares with it"
            yield Finding("no answer", read.place, "there is no reference answer", remedy)


def special_tokens(encoder: TextEncoder) -> re.Pattern[str]:
    """Finds texts that the tokenizer reads as one special token."""
    added: dict[int, Any] = encoder.tokenizer.added_tokens_decoder
    texts = [re.escape(str(token)) for token in added.values() if token.special and len(str(token)) > 1]
    return re.compile("|".join(texts) or r"(?!)")


def template_warnings(config: RunConfig, encoder: TextEncoder) -> Iterator[str]:
    """What the chat template does that a setting or a reward takes for done otherwise."""
    if not encoder.chat:
        return
    written, name = encoder.written("1 + 1 = ?"), config.model.name
    thinking = config.model.thinking
    if thinking is not None and written == encoder.written("1 + 1 = ?", enable_thinking=not thinking):
        told = f"model.thinking = {str(thinking).lower()}"
        yield f"{told}: the chat template of {name} has no such switch; leave it out"
    for number, part in enumerate(config.rewards):
        fields = part.reward.fields()
        if part.reward.name != "format" or fields["pattern"]:
            continue
        opened = written.rstrip().endswith(f"<{fields['think']}>")
        if opened != fields["opened"]:
            does = "already writes" if opened else "does not write"
            yield (
                f"rewards.{number}: the chat template of {name} {does} <{fields['think']}>, so no completion can keep "
                f"the layout; set opened = {str(opened).lower()}"
            )


def repeats(read: Iterable[Read]) -> Iterator[Finding]:
    """Questions that are asked more than once: in training and test, or within a split."""
    first: dict[str, Read] = {}
    for each in read:
        before = first.setdefault(" ".join(each.problem.prompt.split()), each)
        if before is each:
            continue
        if before.split != each.split:
            remedy = "remove it from one of them: the held-out accuracy counts what was trained on"
            yield Finding("both", each.place, f"the same question as {before.place}, which is trained on", remedy)
        else:
            what = f"the same question as {before.place}"
            yield Finding(f"twice in {each.split}", each.place, what, "remove it, unless it should count twice")
