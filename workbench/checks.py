"""Combinations that run and cannot work as meant: each warning names the slot and the remedy.

Whether a piece matters is found by trying: the method's own lens is asked on a few made-up rollouts, with and without.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from workbench.config import RunConfig
from workbench.kinds import Shaping
from workbench.method import Method, lens_all
from workbench.types import FACTS, SHARED, Batch, Capabilities, Group, Problem, Request, Rollout, Score, axes

WIDTH, GROUPS = 3, 2
FEW = 4  # rollouts of a problem; of fewer, more than one group in eight has zero variance even at accuracy one half
MANY = 32  # rollouts of the largest group that is tried
NEAR = 1e-3  # gradient weights that agree to this share of the largest count as equal: `eps` is not seen
MARKS = frozenset({"off_policy", "span", "tag", "truncated", "token_reward"})  # a made-up rollout carries none: all 0


@runtime_checkable
class ReadsColumns(Protocol):
    """A piece that does nothing for problems whose data lack a column; of several, joined by |, one is enough."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns."""


@runtime_checkable
class MayIdle(Protocol):
    """A piece that does nothing unless a field is set."""

    @property
    def idle(self) -> str:
        """Why it does nothing, with the remedy; "" where it does something."""


@runtime_checkable
class Follows(Protocol):
    """A piece that forms again what the advantage forms, by fields of its own."""

    @property
    def follows(self) -> tuple[str, ...]:
        """The fields that should be as they are in the advantage."""


def warnings_of(config: RunConfig, able: Capabilities) -> list[str]:
    """Everything about a config that runs and cannot work as meant. `able` is what its engine can give."""
    found = method_warnings(config.method)
    found += size_warnings(config.method, config.rollouts.rollouts)
    found += weight_warnings(config)
    found += signal_warnings(config.method, able)
    found += weights_warnings(config, able)
    return found + idle_warnings(config.method) + column_warnings(config) + cast_warnings(config)


def cast_warnings(config: RunConfig) -> list[str]:
    """Members of the cast that would not give the same replies again, and those whom no reward asks."""
    asked = {name for part in config.rewards for name in part.reward.asks}
    found = [
        f"cast.{part.name}: the run is not repeatable, since {part.member.name} may reply otherwise another time; its "
        "replies are kept in the run's replies.jsonl"
        for part in config.cast
        if part.name in asked and not part.member.repeatable
    ]
    return found + [f"cast.{part.name}: no reward asks it" for part in config.cast if part.name not in asked]


def method_warnings(method: Method) -> list[str]:
    """What a method's own pieces do to each other; for `workbench methods --check`."""
    found = []
    for place, piece in enumerate(method.shaping):
        rest = method.shaping[:place] + method.shaping[place + 1 :]
        rewards = rewards_of(method.group_size)
        shaped, plain = (shape(pieces, rewards) for pieces in (method.shaping, rest))
        if shaped != plain and same_push(method, shaped, plain):
            found.append(
                f"method.shaping.{place}: {piece.name} changes the rewards and not the gradient; {cancels(method)}"
            )
    return found + unlike_warnings(method)


def unlike_warnings(method: Method) -> list[str]:
    """Fields that stand in two pieces, and differ."""
    theirs = method.advantage.fields()
    return [
        f"method.{slot}.{name} = {own}, and method.advantage.{name} = {theirs[name]}: {piece.name} forms again what "
        f"{method.advantage.name} formed; set both alike"
        for slot, piece in method.pieces()
        if isinstance(piece, Follows)
        for name, own in piece.fields().items()
        if name in piece.follows and theirs.get(name, own) != own
    ]


def weight_warnings(config: RunConfig) -> list[str]:
    """A single reward's weight that the method cancels."""
    weights = [part.weight for part in config.rewards if part.weight]
    if len(weights) != 1 or weights[0] == 1:
        return []
    plain = rewards_of(config.method.group_size)
    scaled = [[weights[0] * reward for reward in group] for group in plain]
    if not same_push(config.method, *(shape(config.method.shaping, rewards) for rewards in (scaled, plain))):
        return []
    return [f"rewards: weight = {weights[0]:g} of the only reward changes nothing; {cancels(config.method)}"]


def cancels(method: Method) -> str:
    """Why a change of the rewards is lost, and the remedy."""
    name = method.advantage.name
    return f"{name} divides by the rewards' deviation or reads correctness alone: use group_centre, or leave it out"


def size_warnings(method: Method, size: int) -> list[str]:
    """Groups too small for the method."""
    if size < method.group_size:
        return []  # an error, which the config tells
    moved = outcomes_that_move(method, size)
    if not any(moved) and any(outcomes_that_move(method, 2 * FEW)):
        return [f"rollouts.rollouts = {size}: no outcome of such a group moves the policy; set more, 8 as a rule"]
    if size < FEW and any(moved) and not moved[0] and not moved[-1]:
        dull = 2 * 0.5**size
        return [
            f"rollouts.rollouts = {size}: {dull:.0%} of the groups or more are all correct or all incorrect and carry "
            f"no gradient; set {FEW} or more"
        ]
    return []


def outcomes_that_move(method: Method, size: int) -> list[bool]:
    """For 0 to `size` correct ones of a group whether it moves the policy, without losses that read no rewards.

    A group larger than `MANY` is like one of `MANY`: the work grows with the square of its size.
    """
    bare, size = dataclasses.replace(method, regularisers=()), min(size, MANY)
    groups = [[float(place < right) for place in range(size)] for right in range(size + 1)]
    return [bool(push(bare, [group, groups[size // 2]])[:, :size].any()) for group in groups]


def signal_warnings(method: Method, able: Capabilities) -> list[str]:
    """Signals of the engine that a piece reads and the engine cannot give."""
    if able.log_probs:
        return []
    read = {
        slot: sorted(name for name in piece.needs if name.startswith(("engine_", "behaviour_")))
        for slot, piece in method.pieces()
    }
    return [
        f"method.{slot} reads {', '.join(names)}, and the engine gives no log-probs of the untruncated distribution: "
        "set rollouts.engine = 'local'"
        for slot, names in read.items()
        if names
    ]


def weights_warnings(config: RunConfig, able: Capabilities) -> list[str]:
    """An engine that samples with other weights than the trainer's."""
    kind = config.model.quantisation
    if kind is None or able.same_weights:
        return []
    return [
        f"model.quantisation = {kind!r}: rollouts.engine = {config.rollouts.engine!r} writes with the plain weights, "
        "so sampling and training are of two policies; watch the log-prob mismatch, or correct for it with"
        " method.correction"
    ]


def idle_warnings(method: Method) -> list[str]:
    """Pieces that do nothing as they are set."""
    pieces = [(slot, piece) for slot, piece in method.pieces() if isinstance(piece, MayIdle)]
    return [f"method.{slot}: {piece.name} {piece.idle}" for slot, piece in pieces if piece.idle]


def column_warnings(config: RunConfig) -> list[str]:
    """Pieces that look for a column of the data, of which the task's first problem has none."""
    if config.task.check():
        return []  # an error, which the config tells
    data = config.task.problem(0, "train").data
    first = f"in the data of {config.task.name}, whose first problem"
    return [
        f"method.{slot}: {piece.name} looks for the column {column.replace('|', ' or ')!r} {first}"
        f" has {', '.join(data) or 'none'}: problems without it are treated as in plain GRPO"
        for slot, piece in config.method.pieces()
        if isinstance(piece, ReadsColumns)
        for column in piece.columns
        if not any(name in data for name in column.split("|"))
    ]


# -------------------------------------------------------------------------------------- made-up rollouts


def rewards_of(least: int) -> list[list[float]]:
    """Rewards of made-up groups with unlike shares of correct ones."""
    size = max(FEW, 2 * least)
    return [[float(place < right) for place in range(size)] for right in (1, size // 2)]


def shape(pieces: Sequence[Shaping], rewards: Sequence[Sequence[float]]) -> list[list[float]]:
    """The rewards as these shapings leave them; completions are of several lengths, up to the budget."""
    shaped = []
    for number, given in enumerate(rewards):
        values, group = list(given), made_group(number, given)
        for piece in pieces:
            values = piece(group, values, len(given))
        shaped.append(values)
    return shaped


def made_group(number: int, rewards: Sequence[float]) -> Group:
    """A group whose rollouts have these rewards, and lengths from one token to as many as there are rollouts."""
    problem = Problem(f"made up {number}", "", "")
    request = Request(problem, (0,), group=number, number=number, n=len(rewards))
    rollouts = []
    for index, reward in enumerate(rewards):
        zeros = [0.0] * (index + 1)
        rollout = Rollout(request, index, [0] * (index + 1), "", zeros, list(zeros), "stop")
        found = "4" if reward > 0 else "5" * (index % 2)  # of the incorrect ones every second has no answer
        rollout.parts["made up"] = Score(reward, correct=reward > 0, extracted=found)
        rollout.reward = rollout.correct = reward
        rollouts.append(rollout)
    return Group(number, problem, rollouts)


def same_push(method: Method, first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> bool:
    """Whether a method has the same gradients under two sets of rewards of the same completions."""
    one, other = push(method, first), push(method, second)
    return bool((one - other).abs().max() <= NEAR * other.abs().max())


def push(method: Method, rewards: Sequence[Sequence[float]]) -> Tensor:
    """The gradient weights of made-up rollouts' tokens in their first update, [signal, rollout, token]."""
    batch = made_batch(method, rewards)
    return torch.stack(list(lens_all(method, batch).values()))


def made_batch(method: Method, rewards: Sequence[Sequence[float]]) -> Batch:
    """Rollouts with these rewards, the same numbers every time; a correct one has a reward above its group's least."""
    generator = torch.Generator().manual_seed(0)
    flat = torch.tensor([reward for group in rewards for reward in group], dtype=torch.float64)
    correct = torch.tensor([float(reward > middle(group)) for group in rewards for reward in group])
    shape_of = {"rollout": len(flat), "token": WIDTH, "k": 1}

    def made(name: str) -> Tensor:
        size = tuple(shape_of[axis] for axis in axes(name))
        if name in FACTS and name not in SHARED:  # of a single piece: as of a rollout without it
            return torch.full(size, FACTS[name].missing, dtype=torch.float64)
        values = 0.1 + 0.8 * torch.rand(size, generator=generator, dtype=torch.float64)
        return torch.zeros_like(values) if name in MARKS else values.log() if "logprob" in name else values

    logprob = made("logprob")
    extras: Mapping[str, Any] = {name: made(name) for name in sorted(method.needs) if name != "old_logprob"}
    return Batch(
        logprob=logprob,
        old_logprob=logprob,
        mask=torch.ones(len(flat), WIDTH, dtype=torch.bool),
        reward=flat,
        group=torch.repeat_interleave(torch.arange(len(rewards)), torch.tensor([len(group) for group in rewards])),
        correct=correct.double(),
        step=1,
        total_steps=10,
        extras=extras,
        state=method.init(),
    )


def middle(group: Sequence[float]) -> float:
    """What a reward must exceed to be a correct completion's: half of the way, or 1/2 where all are alike."""
    known = [reward for reward in group if not math.isnan(reward)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return (low + high) / 2 if low < high else 0.5
