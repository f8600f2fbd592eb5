"""Computes signals of completions under a policy: micro-batches, the backbone, and what is read off the logits."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from workbench.kinds import Head
from workbench.signals import SIGNALS, Reading, Source, read
from workbench.types import Policy, Row


@runtime_checkable
class Referable(Policy, Protocol):
    """A policy that can also run as the reference: the model before training."""

    def reference(self) -> AbstractContextManager[None]:
        """Inside, `hidden` and `logits` are the reference's."""


@dataclass(frozen=True)
class Wanted:
    """A signal's name split into signal, policy and context.

    >>> Wanted.parse("ref_logprob@hint")
    Wanted(signal='logprob', policy='ref_', context='hint')
    """

    signal: str
    policy: str = ""  # "", "old_" or "ref_"
    context: str = ""  # "": the training prompt

    @classmethod
    def parse(cls, name: str) -> "Wanted":
        """From a name such as `entropy`, `old_value`, `ref_logprob`, `logprob@hint`."""
        bare, _, context = name.partition("@")
        for policy in ("old_", "ref_"):
            if bare.startswith(policy):
                return cls(bare.removeprefix(policy), policy, context)
        return cls(bare, "", context)

    @property
    def name(self) -> str:
        """The name it was parsed from."""
        return f"{self.policy}{self.signal}" + (f"@{self.context}" if self.context else "")


def micro_batches(rows: Sequence[Row], budget: int) -> list[list[int]]:
    """Row numbers in batches of at most `budget` tokens (one row may exceed it), completions of a prompt together.

    A prompt counts once, every completion counts as the longest one. Prompts with long completions come first.

    >>> rows = [Row([1], [5]), Row([2], [5, 6, 7]), Row([1], [5, 6]), Row([2], [5, 6])]
    >>> micro_batches(rows, budget=7), micro_batches(rows, budget=5)
    ([[1, 3], [2, 0]], [[1], [3], [2, 0]])
    """
    by_prompt: dict[tuple[int, ...], list[int]] = {}
    for number in sorted(range(len(rows)), key=lambda number: -len(rows[number].answer)):
        by_prompt.setdefault(tuple(rows[number].prompt), []).append(number)
    batches: list[list[int]] = []
    prompts = longest = 0
    for prompt, numbers in by_prompt.items():
        for place, number in enumerate(numbers):
            added = len(prompt) if place == 0 else 0
            wanted = max(longest, len(rows[number].answer))
            if not batches or prompts + added + wanted * (len(batches[-1]) + 1) > budget:
                batches.append([])
                prompts, added, wanted = 0, len(prompt), len(rows[number].answer)
            batches[-1].append(number)
            prompts, longest = prompts + added, wanted
    return batches


def make_heads(heads: Iterable[Head], width: int, seed: int) -> nn.ModuleDict:
    """The heads that pieces declare; the last layer is zero, so that their output starts at 0."""
    modules = nn.ModuleDict()
    generator = torch.Generator().manual_seed(seed)
    for head in heads:
        last = nn.Linear(head.hidden or width, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        if not head.hidden:
            modules[head.name] = last
            continue
        first = nn.Linear(width, head.hidden)
        with torch.no_grad():
            first.weight.normal_(0, width**-0.5, generator=generator)
            first.bias.zero_()
        modules[head.name] = nn.Sequential(first, nn.GELU(), last)
    return modules


@dataclass
class Forward:
    """Computes signals of rows under a policy, at the sampling temperature."""

    policy: Referable
    temperature: float = 1.0
    budget: int = 16384  # padded tokens of a micro-batch
    heads: nn.ModuleDict = field(default_factory=nn.ModuleDict)
    detached_heads: frozenset[str] = frozenset()

    def read(
        self, rows: Sequence[Row], names: Iterable[str], gradient: Iterable[str] = (), *, reference: bool = False
    ) -> dict[str, Tensor]:
        """Signals of one micro-batch, each [row, token] (or [row, token, k]), zero after a row's end.

        Only those in `gradient` are differentiable. With `reference`, they are the reference policy's.

        Raises:
            ValueError: if no signal or head has one of the names.
        """
        names, gradient = frozenset(names), frozenset(gradient)
        place = Place.of(rows, self.policy.device)
        context = self.policy.reference() if reference else nullcontext()
        with context, torch.set_grad_enabled(bool(gradient)):
            hidden = self.policy.before(rows)
            source = Source(hidden, self.policy.logits)
            reading = Reading(names & SIGNALS.keys(), gradient & SIGNALS.keys(), self.temperature)
            if reading.reference:
                source = self.with_reference(source, rows)
            found = read(source, place.answers, reading) if reading.names else {}
            for name in sorted(names & set(self.heads.keys())):
                found[name] = self.head(name, hidden, name in gradient)
        missing = sorted(names - found.keys())
        if missing:
            raise ValueError(f"no signal or head is called {', '.join(missing)}; signals: {', '.join(sorted(SIGNALS))}")
        return {name: place.spread(values) for name, values in found.items()}

    def head(self, name: str, hidden: Tensor, gradient: bool) -> Tensor:
        """A head's output per token, [n]."""
        with torch.set_grad_enabled(gradient):
            seen = hidden.detach() if name in self.detached_heads else hidden
            answer: Tensor = self.heads[name](seen.float())[:, 0]
            return answer

    def with_reference(self, source: Source, rows: Sequence[Row]) -> Source:
        """The same source with the reference policy's hidden states in addition."""

        def head(hidden: Tensor) -> Tensor:
            with self.policy.reference():
                return self.policy.logits(hidden)

        with torch.no_grad(), self.policy.reference():
            hidden = self.policy.before(rows)
        return Source(source.hidden, source.head, hidden, head)

    def read_all(self, rows: Sequence[Row], names: Iterable[str], *, reference: bool = False) -> dict[str, Tensor]:
        """Signals of any number of rows, without gradient, each [row, token]."""
        width = max((len(row.answer) for row in rows), default=0)
        found: dict[str, Tensor] = {}
        for batch in micro_batches(rows, self.budget):
            part = self.read([rows[number] for number in batch], names, reference=reference)
            for name, values in part.items():
                if name not in found:
                    found[name] = values.new_zeros((len(rows), width, *values.shape[2:]))
                found[name][torch.tensor(batch), : values.shape[1]] = values
        return found


@dataclass(frozen=True)
class Place:
    """Where the answers' tokens belong in a table of [row, token]."""

    answers: Tensor  # the tokens, row by row, [n]
    row: Tensor  # [n]
    column: Tensor  # [n]
    shape: tuple[int, int]

    @classmethod
    def of(cls, rows: Sequence[Row], device: torch.device) -> "Place":
        """Of the answers of these rows."""
        lengths = torch.tensor([len(row.answer) for row in rows])
        number = torch.repeat_interleave(torch.arange(len(rows)), lengths)
        column = torch.arange(len(number)) - (lengths.cumsum(0) - lengths)[number]
        answers = torch.tensor([token for row in rows for token in row.answer])
        return cls(answers.to(device), number.to(device), column.to(device), (len(rows), int(lengths.max())))

    def spread(self, values: Tensor) -> Tensor:
        """[n] to [row, token], zero elsewhere."""
        empty = values.new_zeros((*self.shape, *values.shape[1:]))
        return empty.index_put((self.row, self.column), values)
