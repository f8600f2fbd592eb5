"""The result of a step: its rollouts as columns for the record."""

import itertools
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.kinds import Alert
from workbench.signals import TOP_K
from workbench.training.assemble import facts_of
from workbench.training.sampling import Sampled
from workbench.types import Encoder, Rollout, axes

Array = NDArray[Any]
MISMATCH = "engine_mismatch"  # engine minus trainer log-prob; not recorded, since both are
SHOWN = frozenset({"entropy", "kl"})  # signals that the metrics need at every step


@dataclass(frozen=True)
class Step:
    """A finished step. Step 0 is the evaluation before training."""

    number: int
    metrics: dict[str, float]
    columns: dict[str, Any] | None = None  # rollouts: lists per rollout, flat arrays per token, offsets
    evaluation: dict[str, list[Any]] | None = None
    probes: dict[str, Any] | None = None  # rollouts of tracked problems, as `columns`
    again: dict[str, Any] | None = None  # tracked rollouts scored after this step: `step`, `after_logprob`
    exams: Mapping[str, tuple[dict[str, Any], dict[str, Sequence[Any]]]] = field(default_factory=dict)
    events: Sequence[str] = ()
    journal: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # lines of ledger and stock
    alerts: Sequence[Alert] = ()  # of alarms
    ends: str = ""  # why the run ends after this step; empty while it continues


@dataclass
class Learned:
    """The signals and losses of a step's updates, over its trained rollouts; [row, token], nan where not computed."""

    rollouts: Sequence[Rollout]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    mask: Tensor = field(default_factory=lambda: torch.zeros(0, 0, dtype=torch.bool))


def make_columns(sampled: Sampled, learned: Learned, encoder: Encoder, step: int, *, numbers: bool) -> dict[str, Any]:
    """Columns of every rollout of the step, with or without numbers per token; nan for rollouts not trained on."""
    rollouts = sampled.rollouts
    lengths = np.array([len(rollout.tokens) for rollout in rollouts], dtype=np.int64)
    where = Where.of(rollouts, learned.rollouts, lengths)
    columns = {
        **plain_columns(rollouts, encoder, step),
        "excluded": [excluded(rollout, sampled.kept) for rollout in rollouts],
        "offsets": np.concatenate([[0], lengths.cumsum()]).astype(np.int32),
        "prompt_ids": [rollout.prompt for rollout in rollouts],
        "token_ids": flat((rollout.tokens for rollout in rollouts), np.int32),
        "trained": flat((rollout.trained for rollout in rollouts), np.bool_) & where.known,
    }
    if not numbers:
        return columns
    columns |= fact_columns(rollouts)
    columns |= {name: where.flatten(values) for name, values in learned.tensors.items() if name != MISMATCH}
    for name in ("engine_logprob", "sampled_logprob"):
        columns[name] = flat((getattr(rollout, name) for rollout in rollouts), np.float32)
    return columns | engine_alternatives(rollouts)


def engine_alternatives(rollouts: Sequence[Rollout]) -> dict[str, Array]:
    """The engine's most likely tokens, [tokens, TOP_K], padded with -1 and nan; empty if it returned none."""
    missing = {"engine_top_ids": -1, "engine_top_logprobs": math.nan}
    if not any(missing.keys() & rollout.extras.keys() for rollout in rollouts):
        return {}
    found = {}
    for name, empty in missing.items():
        places = [rollout.extras.get(name, [[]] * len(rollout.tokens)) for rollout in rollouts]
        rows = [(*given, *[empty] * TOP_K)[:TOP_K] for given in itertools.chain.from_iterable(places)]
        found[name] = np.array(rows, dtype=np.int32 if empty == -1 else np.float32)
    return found


def excluded(rollout: Rollout, kept: Container[int]) -> str | None:
    """Why the update excludes a rollout; None if it does not."""
    if rollout.finish == "pruned":
        return "pruned"
    if rollout.request.group not in kept:
        return "filtered"
    if not any(rollout.trained):
        return "not trained"
    return "unscored" if math.isnan(rollout.reward) else None


def fact_columns(rollouts: Sequence[Rollout]) -> dict[str, Any]:
    """The batch's extras as columns; survival is among the pruner's columns."""
    found = facts_of(rollouts)
    columns = {name: flat(found[name], np.float32) if len(axes(name)) > 1 else found[name] for name in found}
    columns.pop("survival", None)
    if "tag" in columns:
        columns["tag_number"] = columns.pop("tag")  # `tag` is the request's, a text
    return columns


def flat(rows: Iterable[Sequence[float | int]], kind: type) -> Array:
    """Rows of different lengths, concatenated."""
    return np.array(list(itertools.chain.from_iterable(rows)), dtype=kind)


def plain_columns(rollouts: Sequence[Rollout], encoder: Encoder, step: int) -> dict[str, list[Any]]:
    """The recorded columns with one entry per rollout."""
    shown: dict[tuple[int, ...], str] = {}
    for rollout in rollouts:
        if rollout.prompt not in shown:
            shown[rollout.prompt] = encoder.shown(rollout.prompt)
    return {
        "step": [step] * len(rollouts),
        "rollout": list(range(len(rollouts))),
        "problem": [rollout.request.problem.key for rollout in rollouts],
        "source": [rollout.request.problem.source for rollout in rollouts],
        "role": [rollout.request.role for rollout in rollouts],
        "parent": parents(rollouts),
        "group": [rollout.request.group for rollout in rollouts],
        "round": [rollout.round for rollout in rollouts],
        "tag": [rollout.request.tag for rollout in rollouts],
        "prompt": [shown[rollout.prompt] for rollout in rollouts],
        "text": [rollout.text for rollout in rollouts],
        "answer": [rollout.request.problem.answer for rollout in rollouts],
        "reward": [rollout.reward for rollout in rollouts],
        "correct": [rollout.correct for rollout in rollouts],
        "parts": [parts_of(rollout) for rollout in rollouts],
        "finish": [rollout.finish for rollout in rollouts],
        "pruned_at": [rollout.pruned_at for rollout in rollouts],
        **pruning_columns(rollouts),
    }


def parents(rollouts: Sequence[Rollout]) -> list[int | None]:
    """The row of the rollout that each was made from; None where there is none, or it was dropped."""
    rows = {rollout.key: row for row, rollout in enumerate(rollouts)}
    return [None if rollout.request.parent is None else rows.get(rollout.request.parent) for rollout in rollouts]


def pruning_columns(rollouts: Sequence[Rollout]) -> dict[str, list[float | None]]:
    """A pruner's last decision on each rollout; None where it made none."""
    decisions = [(rollout.extras.get("pruning") or [{}])[-1] for rollout in rollouts]
    return {name: [decision.get(name) for decision in decisions] for name in ("score", "posterior", "survival", "u")}


def parts_of(rollout: Rollout) -> list[dict[str, Any]]:
    """A rollout's reward parts as records."""
    return [
        {
            "name": name,
            "value": part.value,
            "correct": math.nan if part.correct is None else float(part.correct),
            "reason": part.reason,
            "extracted": part.extracted,
        }
        for name, part in rollout.parts.items()
    ]


@dataclass(frozen=True)
class Where:
    """The positions of all rollouts' tokens in the tables of the trained rollouts."""

    known: Array  # [tokens] bool: trained on
    row: Array  # [known tokens]
    column: Array  # [known tokens]

    @classmethod
    def of(cls, rollouts: Sequence[Rollout], trained: Sequence[Rollout], lengths: Array) -> "Where":
        """The positions for these rollouts, of which `trained` were trained on."""
        place = {id(rollout): row for row, rollout in enumerate(trained)}
        row = np.repeat([place.get(id(rollout), -1) for rollout in rollouts], lengths)
        column = np.arange(len(row)) - np.repeat(lengths.cumsum() - lengths, lengths)
        known = row >= 0
        return cls(known, row[known], column[known])

    def flatten(self, values: Tensor) -> Array:
        """[row, token, …] of the trained rollouts as a flat array [tokens, …] over all rollouts; nan for the others."""
        table = values.detach().cpu().numpy()[self.row, self.column]
        if self.known.all():
            return table
        answer = np.full((len(self.known), *table.shape[1:]), np.nan, dtype=np.float32)
        answer[self.known] = table
        return answer


def evaluation_columns(rollouts: Sequence[Rollout], encoder: Encoder, step: int) -> dict[str, list[Any]]:
    """Completions of held-out problems as columns."""
    columns = plain_columns(rollouts, encoder, step)
    kept = ("step", "rollout", "problem", "source", "prompt", "text", "answer", "reward", "correct", "finish")
    return {**{name: columns[name] for name in kept}, "token_ids": [rollout.tokens for rollout in rollouts]}
