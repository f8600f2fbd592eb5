"""The learner: all updates of a step, from scored rollouts to changed weights."""

import math
import random
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from workbench.kinds import LossPiece
from workbench.method import Method, advantages
from workbench.ops import slot_view
from workbench.sections import TrainingSection
from workbench.training import checkpoint
from workbench.training.assemble import Scale, make_batch, make_rows, merge, trained_rollouts, update_groups
from workbench.training.forward import Forward, Referable, Wanted, make_heads
from workbench.training.sampling import Clock, Sampled
from workbench.training.signal_plan import SignalPlan, passes
from workbench.training.step import MISMATCH, SHOWN, Learned
from workbench.training.update import Rows, Updater, widen
from workbench.types import Batch, Encoder, Rollout, Row, State


@dataclass
class Learner:
    """Updates the policy's weights with a method. `states` holds the pieces' states by slot and is changed in place."""

    policy: Referable
    method: Method
    encoder: Encoder
    training: TrainingSection
    budget: int  # maximum tokens of a completion
    temperature: float
    seed: int
    states: dict[str, State]
    record: tuple[str, ...]  # signals that are recorded for every token
    after: int = 0  # groups of a step that are scored again after the updates
    live: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        training, device = self.training, self.policy.device
        self.live = {"learning_rate": training.learning_rate, "clip_norm": training.clip_norm}
        self.plan = SignalPlan.of(self.method, training.updates * training.epochs, self.record)
        with torch.no_grad():
            width = self.policy.before([Row([0], [0])]).shape[-1]
        self.heads: nn.ModuleDict = make_heads(self.method.heads, width, self.seed).to(device)
        detached = frozenset(head.name for head in self.method.heads if head.detach)
        self.forward = Forward(self.policy, self.temperature, training.micro_batch, self.heads, detached)
        self.optimiser = self.make_optimiser()

    def make_optimiser(self) -> torch.optim.Optimizer:
        """AdamW over the policy's trainable weights; each head has its own learning rate."""
        training = self.training
        policy = {"params": list(self.policy.trainable().values()), "lr": training.learning_rate}
        groups: list[dict[str, Any]] = [policy]
        groups += [
            {"params": list(self.heads[head.name].parameters()), "lr": head.learning_rate, "own": True}
            for head in self.method.heads
        ]
        return torch.optim.AdamW(groups, betas=training.betas, weight_decay=training.weight_decay)

    def learn(self, sampled: Sampled, number: int, clock: Clock, *, record: bool = True) -> Learned:
        """Runs all updates of a step. With `record` every recorded signal is computed, else those of the metrics."""
        learned = Learned(trained_rollouts(sampled))
        if not learned.rollouts:
            self.edit_weights(number)
            return learned
        kept = self.plan.record if record else self.plan.record & SHOWN
        batch, rows, advantage = self.prepare(learned.rollouts, sampled, number, clock)
        with clock.phase("update"):
            self.run_updates(batch, rows, advantage, learned, kept)
            self.edit_weights(number)
            if self.method.edits:
                self.updater().refuse_weights(batch)
        self.note(batch, advantage, learned)
        if record and self.after:
            with clock.phase("score"):
                learned.tensors["after_logprob"] = self.scored_again(batch, rows)
        return learned

    def prepare(
        self, rollouts: Sequence[Rollout], sampled: Sampled, number: int, clock: Clock
    ) -> tuple[Batch, Rows, Tensor]:
        """(batch with everything needed before the first update, rows, advantage [row, token]).

        Raises:
            NotFiniteError: if a signal or the advantage is not finite.
        """
        scale = Scale(number, self.training.steps, self.budget, self.temperature)
        with clock.phase("score"):
            batch = make_batch(rollouts, scale, self.policy.device).replace(state=dict(self.states))
            rows = make_rows(self.method, rollouts, sampled.groups, self.encoder)
            batch = self.read_ahead(batch, rows)
            advantage = advantages(self.method, batch)
            if not all(bool(item.isfinite().all()) for item in (advantage, *(batch[name] for name in self.plan.ahead))):
                raise self.updater().failure(batch, rows, advantage)
            for slot, piece in self.method.pieces():
                if isinstance(piece, LossPiece):
                    self.states[slot] = piece.learn(self.states[slot], slot_view(batch, slot))
        return batch, rows, advantage

    def updater(self) -> Updater:
        """An updater with the current values of the live fields."""
        return Updater(self.method, self.plan, self.forward, self.optimiser, self.live["clip_norm"])

    def read_ahead(self, batch: Batch, rows: Rows) -> Batch:
        """The batch with the signals that must be known before the first update."""
        width = batch.mask.shape[1]
        found: dict[str, Tensor] = {}
        for (policy, context), signals in passes(self.plan.ahead).items():
            part = self.forward.read_all(rows.after(context), signals, reference=policy == "ref_")
            for signal, values in part.items():
                found[Wanted(signal, policy, context).name] = widen(values, width)
        old = found.pop("old_logprob", None)
        batch = batch.extend(**found)
        return batch if old is None else batch.replace(logprob=old, old_logprob=old)

    def run_updates(self, batch: Batch, rows: Rows, advantage: Tensor, learned: Learned, record: Set[str]) -> None:
        """Every epoch, split into updates of whole groups. The last epoch computes the signals of `record` too."""
        updater = self.updater()
        self.set_learning_rate(batch.step)
        training, groups = self.training, batch.group.tolist()
        for epoch in range(training.epochs):
            names = list(dict.fromkeys(groups))
            draw = random.Random(f"{self.seed}/{batch.step}/epoch/{epoch}")
            order = [draw.random() for _ in names]
            kept = record if epoch == training.epochs - 1 else frozenset()
            for chosen in update_groups(names, training.updates, order):
                members = [row for row, group in enumerate(groups) if group in chosen]
                index, taken = torch.tensor(members), rows.take(members)
                current = self.plan.first_pass and not learned.losses
                report = updater.update(batch.rows(index), taken, advantage[index], record=kept, current=current)
                merge(learned.tensors, {**report.signals, "lens": report.lens}, index, len(groups))
                learned.losses.append(report.loss)
                learned.norms.append(report.grad_norm)

    def scored_again(self, batch: Batch, rows: Rows) -> Tensor:
        """Log-prob of every token after the updates, [row, token], for the first `after` groups; nan elsewhere."""
        groups = batch.group.tolist()
        chosen = set(list(dict.fromkeys(groups))[: self.after])
        members = [row for row, group in enumerate(groups) if group in chosen]
        found = self.forward.read_all(rows.take(members).plain, {"logprob"})["logprob"].cpu()
        answer = torch.full(batch.mask.shape, math.nan)
        answer[torch.tensor(members), : found.shape[1]] = found
        return answer

    def edit_weights(self, number: int) -> None:
        """Applies the method's weight edits, after the updates."""
        for place, edit in enumerate(self.method.edits):
            slot = f"edits.{place}"
            weights = {name: parameter.data for name, parameter in self.policy.trainable().items()}
            changed, self.states[slot] = edit(self.states[slot], weights, number)
            for name, value in changed.items():
                weights[name].copy_(value)

    def note(self, batch: Batch, advantage: Tensor, learned: Learned) -> None:
        """Adds the signals known before the updates to those that the updates computed."""
        mask = batch.mask.cpu()
        old = batch.old_logprob.cpu() if self.plan.first_pass else learned.tensors["logprob"]
        learned.mask = mask & batch.scored[:, None].cpu()
        learned.tensors |= {"advantage": advantage.cpu(), "old_logprob": old}
        learned.tensors |= {name: batch[name].cpu() for name in self.plan.ahead if name != "old_logprob"}
        learned.tensors[MISMATCH] = torch.where(mask, batch["engine_logprob"].cpu() - old, math.nan)

    # ------------------------------------------------------------------------ learning rate, live

    def learning_rate(self, number: int) -> float:
        """The learning rate of a step, after warm-up and schedule."""
        training, peak = self.training, self.live["learning_rate"]
        if number <= training.warmup:
            return peak * number / training.warmup
        done = (number - 1 - training.warmup) / max(1, training.steps - training.warmup)
        shapes = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}
        return peak * shapes[training.schedule]

    def set_learning_rate(self, number: int) -> None:
        """Sets the optimiser's learning rate for a step; heads keep their own."""
        for group in self.optimiser.param_groups:
            if not group.get("own"):
                group["lr"] = self.learning_rate(number)

    def set(self, **changes: float) -> dict[str, float]:
        """Changes live fields from the next step on; returns the old values.

        Raises:
            ValueError: if a field is not live, or a value is not a number above 0.
        """
        unknown = sorted(changes.keys() - self.live.keys())
        if unknown:
            raise ValueError(f"{', '.join(unknown)} cannot be changed during a run; these can: {', '.join(self.live)}")
        for name, value in changes.items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value!r}: give a number above 0")
        old = {name: self.live[name] for name in changes}
        self.live.update({name: float(value) for name, value in changes.items()})
        return old

    # ----------------------------------------------------------------------------------- checkpoints

    def weights(self) -> dict[str, Tensor]:
        """The weights under training, heads included."""
        heads = {f"head.{name}": parameter for name, parameter in self.heads.named_parameters()}
        return {**self.policy.trainable(), **heads}

    def state(self) -> dict[str, Any]:
        """The state that a checkpoint needs beside the weights."""
        return {"live": self.live, "optimiser": checkpoint.optimiser_state(self.optimiser)}

    def restore(self, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Restores weights, live fields and the optimiser's state from a checkpoint."""
        own = self.weights()
        with torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(value)
        self.live = dict(state["live"])
        checkpoint.restore_optimiser(self.optimiser, state["optimiser"])
