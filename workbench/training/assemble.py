"""From scored rollouts to the tensors of an update."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.kinds import LossPiece
from workbench.method import Method
from workbench.training.sampling import Sampled
from workbench.training.update import Rows
from workbench.types import FACTS, Batch, Encoder, Group, Rollout, Row, axes

NAN = float("nan")
#: Extras of a rollout that are for the record only, not columns of a batch.
NOTES = frozenset({"pruning", "engine_top_ids", "engine_top_logprobs"})


@dataclass(frozen=True)
class Scale:
    """The scalars of a batch."""

    step: int
    total_steps: int
    budget: int
    temperature: float


def trained_rollouts(sampled: Sampled) -> list[Rollout]:
    """The rollouts that the updates train on: of kept groups, not pruned, with trained tokens."""
    return [
        rollout
        for group in sampled.groups
        if group.number in sampled.kept
        for rollout in group.rollouts
        if rollout.finish != "pruned" and any(rollout.trained)
    ]


def make_rows(method: Method, rollouts: Sequence[Rollout], groups: Sequence[Group], encoder: Encoder) -> Rows:
    """Each completion after its training prompt, and after the prompts of every context that a piece requests."""
    plain = [Row(rollout.prompt, rollout.tokens) for rollout in rollouts]
    prompts: dict[str, dict[int, Sequence[int]]] = {}
    chosen = {id(rollout) for rollout in rollouts}
    for group in groups:
        members = [rollout for rollout in group.rollouts if id(rollout) in chosen]
        for _, piece in method.pieces():
            found = piece.contexts(group.problem, members, encoder) if isinstance(piece, LossPiece) and members else {}
            for name, given in found.items():
                prompts.setdefault(name, {}).update(
                    {id(rollout): prompt for rollout, prompt in zip(members, given, strict=True)}
                )
    contexts = {
        name: [Row(given.get(id(rollout), rollout.prompt), rollout.tokens) for rollout in rollouts]
        for name, given in prompts.items()
    }
    return Rows(plain, contexts)


def make_batch(rollouts: Sequence[Rollout], scale: Scale, device: torch.device) -> Batch:
    """The rollouts as tensors; log-probs are nan until they are read."""
    width = max(len(rollout.tokens) for rollout in rollouts)
    shape = (len(rollouts), width)
    problems = {key: number for number, key in enumerate(dict.fromkeys(r.request.problem.key for r in rollouts))}
    unread = torch.full(shape, NAN)
    batch = Batch(
        logprob=unread,
        old_logprob=unread,
        mask=padded([rollout.trained for rollout in rollouts], width, torch.bool),
        reward=torch.tensor([rollout.reward for rollout in rollouts]),
        group=torch.tensor([rollout.request.group for rollout in rollouts]),
        problem=torch.tensor([problems[rollout.request.problem.key] for rollout in rollouts]),
        correct=torch.tensor([rollout.correct for rollout in rollouts]),
        tokens=padded([rollout.tokens for rollout in rollouts], width, torch.long),
        step=scale.step,
        total_steps=scale.total_steps,
        budget=scale.budget,
        temperature=scale.temperature,
        extras=facts(rollouts, width),
    )
    return batch if device.type == "cpu" else moved(batch, device)


def facts(rollouts: Sequence[Rollout], width: int) -> dict[str, Tensor]:
    """The extras of a batch: columns of the rollouts, and the engine's log-probs where they are comparable."""
    alike = [rollout.prompt == rollout.request.prompt for rollout in rollouts]
    engine = [
        rollout.engine_logprob if same else [NAN] * len(rollout.tokens)  # after another prompt: another distribution
        for rollout, same in zip(rollouts, alike, strict=True)
    ]
    found = {"engine_logprob": padded(engine, width, torch.float32)}
    for name, values in facts_of(rollouts).items():
        per_token = len(axes(name)) > 1
        found[name] = padded(values, width, torch.float32) if per_token else torch.tensor(values)
    return found


def facts_of(rollouts: Sequence[Rollout]) -> dict[str, list[Any]]:
    """Columns by the names of `types.FACTS`: one number per rollout, or a list over its tokens.

    Extras of pieces and controllers are included if one rollout has them; the others get the value for a missing one.
    """
    found: dict[str, list[Any]] = {
        "truncated": [float(rollout.finish == "length") for rollout in rollouts],
        "length": [float(len(rollout.tokens)) for rollout in rollouts],
    }
    rewards = [token_reward(rollout) for rollout in rollouts]
    if any(rewards):
        found["token_reward"] = [
            given or [0.0] * len(rollout.tokens) for given, rollout in zip(rewards, rollouts, strict=True)
        ]
    for name in sorted({name for rollout in rollouts for name in rollout.extras} - NOTES):
        found[name] = [fact(rollout, name) for rollout in rollouts]
    return found


def fact(rollout: Rollout, name: str) -> Any:
    """One column of a rollout; the value for a missing one where it has no such extra. ValueError for a wrong count."""
    missing = FACTS[name].missing if name in FACTS else 0.0
    if len(axes(name)) == 1:
        return float(rollout.extras.get(name, missing))
    if name in rollout.extras:
        given, count = rollout.extras[name], len(rollout.tokens)
        if len(given) != count:
            raise ValueError(f"fact {name!r} has {len(given)} values for {count} tokens: give one for every token")
        return given
    if name == "behaviour_logprob" and rollout.finish != "given":
        return rollout.engine_logprob  # the policy sampled its tokens itself
    return [missing] * len(rollout.tokens)


def token_reward(rollout: Rollout) -> list[float]:
    """The sum of the parts that judge single tokens; empty if none does."""
    given = [part.per_token for part in rollout.parts.values() if part.per_token is not None]
    return [sum(values) for values in zip(*given, strict=True)] if given else []


def padded(rows: Sequence[Sequence[float | int]], width: int, dtype: torch.dtype) -> Tensor:
    """Rows of different lengths as [row, width], padded with zeros."""
    table = torch.zeros(len(rows), width, dtype=dtype)
    for number, row in enumerate(rows):
        table[number, : len(row)] = torch.tensor(row, dtype=dtype)
    return table


def moved(batch: Batch, device: torch.device) -> Batch:
    """The batch on another device."""
    names = ("logprob", "old_logprob", "mask", "reward", "group", "problem", "correct", "tokens")
    fields = {name: getattr(batch, name).to(device) for name in names}
    return batch.replace(**fields, extras={name: value.to(device) for name, value in batch.extras.items()})


def update_groups(groups: Sequence[int], updates: int, order: Sequence[float]) -> list[list[int]]:
    """Whole groups distributed over the updates of a pass, in the order of the given keys; fewer groups, fewer updates.

    >>> update_groups([4, 5, 6], 2, [0.9, 0.1, 0.5])
    [[5, 4], [6]]
    """
    shuffled = [group for _, group in sorted(zip(order, groups, strict=True))]
    return [part for part in (shuffled[start::updates] for start in range(updates)) if part]


def merge(into: dict[str, Tensor], part: Mapping[str, Tensor], index: Tensor, rows: int) -> None:
    """Writes an update's rows into tables over all rows of the step; values that were never computed stay nan."""
    for name, values in part.items():
        if name not in into:
            into[name] = torch.full((rows, *values.shape[1:]), NAN)
        into[name][index] = values.to(into[name])
