"""Replay: any method's push on any recorded rollouts, without a model.

    replay = Replay.of(open_run("runs/demo"), 10)
    replay.push(METHODS["gspo"])                             # what it would tell every token of the step
    replay.with_rewards({3: 1.0}).advantage(METHODS["gspo"])   # what if rollout 3 had been right?

The step is taken as one update: where `training.updates` and `training.epochs` are 1 the push of the run's own method
is the recorded `lens`. Rewards are taken as final. A signal that was not recorded is never made up.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.kinds import LossPiece
from workbench.method import Method, advantages, carries_gradient, lens
from workbench.ops import slot_view
from workbench.runs.directory.record import read_table
from workbench.runs.open import Run, spans
from workbench.training.assemble import Scale
from workbench.types import FACTS, ROLLOUT, TOKEN, Batch, PerToken, State, axes

Array = NDArray[Any]
FIELDS = ("logprob", "old_logprob")  # of a batch; every other signal is an extra


@dataclass(frozen=True)
class Replay:
    """The rollouts that a step's update read, as its batch, and their places among all that are shown."""

    batch: Batch
    rollouts: Array  # [row]: number in the step of each of the batch's
    groups: Array  # [rollout]: group of every rollout of the table
    counts: Array  # [rollout]: tokens of each
    read: Array  # [rollout] bool: in the batch
    shown: Array  # [rollout] bool: in the answers
    earlier: Callable[[], Iterator["Replay"]] = lambda: iter(())  # the recorded steps before, in order
    remembered: dict[str, dict[str, State]] = field(default_factory=dict)  # by pieces, once asked for

    @classmethod
    def of(cls, run: Run, step: int, group: int | None = None, folder: str = "rollouts") -> "Replay":
        """A step of a run; with `group` the answers are cut to it, the batch stays the step's.

        ValueError for a step or group that was not recorded.
        """
        known = run.steps(folder)
        if step not in known:
            raise ValueError(f"{run.path} has no {folder} of step {step}; there are: {spans(known)}")
        training = run.resolved.get("training") or {}
        one_update = training.get("updates", 1) == training.get("epochs", 1) == 1
        found = cls.of_table(read_table(run.file(folder, step)), scale_of(run, step), one_update=one_update)
        found = dataclasses.replace(found, earlier=lambda: (cls.of(run, n, None, folder) for n in known if n < step))
        return found if group is None else found.of_group(group)

    @classmethod
    def of_probes(cls, run: Run, step: int) -> "Replay":
        """The probes of a step as the first update of the next one would read them, had it nothing but them to learn.

        The policy that wrote them is the one that is read. ValueError where the step has no probes on record.
        """
        known = run.steps("probes")
        if step not in known:
            raise ValueError(f"{run.path} has no probes of step {step}; there are: {spans(known)}")
        table = read_table(run.file("probes", step))
        place = table.column_names.index("old_logprob")
        table = table.set_column(place, "old_logprob", table.column("logprob"))
        found = cls.of_table(table, scale_of(run, step + 1))
        return dataclasses.replace(found, earlier=lambda: (cls.of(run, n) for n in run.steps() if n <= step))

    @classmethod
    def of_table(cls, table: pa.Table, scale: Scale, *, one_update: bool = True) -> "Replay":
        """A step's rollouts as recorded. `one_update`: the policy that was read is the one that sampled."""
        read = read_by_update(table)
        kept = table.filter(pa.array(read))
        return cls(
            batch=batch_of(kept, scale, one_update=one_update),
            rollouts=kept.column("rollout").to_numpy(),
            groups=table.column("group").to_numpy(),
            counts=token_counts(table),
            read=read,
            shown=np.ones(len(read), dtype=bool),
        )

    def of_group(self, group: int) -> "Replay":
        """With answers cut to a group."""
        if group not in self.groups:
            raise ValueError(f"the step has no group {group}; there are: {spans(np.unique(self.groups).tolist())}")
        return dataclasses.replace(self, shown=self.groups == group)

    def with_rewards(self, rewards: Mapping[int, float]) -> "Replay":
        """With other rewards of some rollouts, by their number in the step; above 0 is right, nan is unscored.

        ValueError for a rollout that the update did not read.
        """
        unread = sorted(rewards.keys() - set(self.rollouts.tolist()))
        if unread:
            raise ValueError(f"the update did not read rollout {unread[0]}: change one of those that it learnt from")
        reward, correct = self.batch.reward.clone(), self.batch.correct.clone()
        place = {number: row for row, number in enumerate(self.rollouts.tolist())}
        for number, value in rewards.items():
            reward[place[number]] = value
            correct[place[number]] = value if value != value else float(value > 0)
        return dataclasses.replace(self, batch=self.batch.replace(reward=reward, correct=correct))

    def push(self, method: Method) -> Array:
        """-∂loss/∂logprob of every token shown, one rollout after the other; nan where the update read nothing.

        ValueError names a signal that was not recorded.
        """
        return self.over_tokens(lens, method)

    def advantage(self, method: Method) -> Array:
        """The advantage of every token shown, as `push`."""
        return self.over_tokens(advantages, method)

    @property
    def known(self) -> Array:
        """Which of the tokens shown the update read, [tokens] bool."""
        return np.repeat(self.read[self.shown], self.counts[self.shown])

    def over_tokens(self, function: Callable[[Method, Batch], PerToken], method: Method) -> Array:
        """What a function of method and batch says of every token shown."""
        answer: Array = np.full(int(self.counts.sum()), np.nan, dtype=np.float32)
        if self.read.any():
            values = function(method, self.batch.replace(state=self.memory(method)))
            answer[np.repeat(self.read, self.counts)] = values[places(self.counts[self.read])].numpy()
        return np.asarray(answer[np.repeat(self.shown, self.counts)])

    def memory(self, method: Method) -> dict[str, State]:
        """What the method's pieces would remember by now, had they seen the recorded steps before."""
        learning = {slot: piece for slot, piece in method.pieces() if isinstance(piece, LossPiece) and learns(piece)}
        name = repr(learning)
        if learning and name not in self.remembered:
            state = method.init()
            for before in self.earlier():
                if before.read.any():
                    for slot, piece in learning.items():
                        state[slot] = piece.learn(state[slot], slot_view(before.batch.replace(state=state), slot))
            self.remembered[name] = {slot: state[slot] for slot in learning}
        return {**method.init(), **self.remembered.get(name, {})}


def learns(piece: LossPiece) -> bool:
    """Whether it remembers something of a step."""
    return type(piece).learn is not LossPiece.learn


# ------------------------------------------------------------------------------------ from table to batch


def scale_of(run: Run, step: int) -> Scale:
    """The scalars of a step's batch."""
    training, sampling = run.resolved.get("training") or {}, run.resolved.get("rollouts") or {}
    return Scale(step, training.get("steps", 1), sampling.get("max_tokens", 0), sampling.get("temperature", 1.0))


def read_by_update(table: pa.Table) -> Array:
    """Which rollouts the update read: those that a filter left out have no log-probs, [rollout] bool."""
    lists = table.column("logprob").combine_chunks()
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    known = ~np.isnan(lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32))
    rows = np.repeat(np.arange(len(lengths)), lengths)
    return np.bincount(rows[known], minlength=len(lengths)) > 0


def batch_of(table: pa.Table, scale: Scale, *, one_update: bool) -> Batch:
    """Recorded rollouts, all of them read by the update, as its batch.

    `one_update`: the policy whose signals were recorded is the one that sampled.
    """
    inside = places(token_counts(table))
    problem = {name: number for number, name in enumerate(table.column("problem").unique().to_pylist())}
    recorded = {name: padded(table, name, inside, torch.float32) for name in signal_names(table)}
    sampled = {f"old_{name}": values for name, values in recorded.items() if one_update and carries_gradient(name)}
    return Batch(
        logprob=padded(table, "logprob", inside, torch.float32),
        old_logprob=padded(table, "old_logprob", inside, torch.float32),
        mask=padded(table, "trained", inside, torch.bool),
        reward=numbers(table, "reward"),
        group=numbers(table, "group").long(),
        problem=torch.tensor([problem[name] for name in table.column("problem").to_pylist()], dtype=torch.long),
        correct=numbers(table, "correct"),
        tokens=padded(table, "token_ids", inside, torch.long),
        step=scale.step,
        total_steps=scale.total_steps,
        budget=max(scale.budget, inside.shape[1]),
        temperature=scale.temperature,
        extras={**sampled, **recorded, **facts(table)},
    )


def signal_names(table: pa.Table) -> list[str]:
    """The columns that are signals or facts of every token, of which no rollout lacks them."""
    lists = [field.name for field in table.schema if pa.types.is_list(field.type) and field.name not in FIELDS]
    known = [name for name in lists if axes_of(name) == (ROLLOUT, TOKEN)]
    return [name for name in known if table.column(name).null_count == 0]


def axes_of(name: str) -> tuple[str, ...]:
    """The axes of a column that methods know; of any other none."""
    try:
        return axes(name)
    except ValueError:
        return ()


def facts(table: pa.Table) -> dict[str, Tensor]:
    """What is known of whole rollouts, as the trainer tells it the method."""
    finish = pc.equal(table.column("finish"), "length").to_numpy()
    found = {
        "length": torch.from_numpy(token_counts(table)).float(),
        "truncated": torch.tensor(finish.astype(np.float32)),
    }
    for name, fact in FACTS.items():
        column = "tag_number" if name == "tag" else name  # `tag` is the request's, a text
        if fact.per == "rollout" and name not in found and known(table, column):
            found[name] = numbers(table, column).nan_to_num(nan=fact.missing)
    return found


def known(table: pa.Table, column: str) -> bool:
    """Whether a column was recorded for any rollout."""
    return column in table.column_names and table.column(column).null_count < table.num_rows


def token_counts(table: pa.Table) -> Array:
    """Tokens of each rollout, [rollout]."""
    return np.asarray(pc.list_value_length(table.column("token_ids")).to_numpy(), dtype=np.int64)


def places(counts: Array) -> Tensor:
    """Where the tokens of ragged rows stand in a table padded on the right, [row, width] bool."""
    return torch.arange(int(counts.max(initial=0)))[None] < torch.from_numpy(counts)[:, None]


def numbers(table: pa.Table, name: str) -> Tensor:
    """A column of one number a rollout, [rollout] float32; nan where it is missing."""
    return torch.tensor(table.column(name).to_numpy().astype(np.float32))


def padded(table: pa.Table, name: str, inside: Tensor, dtype: torch.dtype) -> Tensor:
    """A column of one entry a token as [row, width], zeros behind: the batch's mask covers them.

    ValueError where a list is not as long as its rollout.
    """
    column = table.column(name).combine_chunks()
    if (pc.list_value_length(column).to_numpy(zero_copy_only=False) != inside.sum(1).numpy()).any():
        raise ValueError(f"column {name} does not have one entry for every token; write the step again")
    values = torch.zeros(inside.shape, dtype=dtype)
    values[inside] = torch.tensor(column.flatten().to_numpy(zero_copy_only=False)).to(dtype)
    return values
