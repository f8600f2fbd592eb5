"""The trainer: a generator of steps. It knows protocols, and no method, task, reward or engine by name."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.kinds import LossPiece
from workbench.method import Method, advantages
from workbench.sections import EvaluationSection, RecordSection, RolloutSection, TrainingSection
from workbench.signals import RECORDED
from workbench.training import checkpoint
from workbench.training.assemble import Scale, make_batch, make_rows, merge, trained_rollouts, update_groups
from workbench.training.forward import Forward, Referable, Wanted, make_heads
from workbench.training.plan import Plan, passes, reads_reference
from workbench.training.sampling import Clock, Limits, Parts, Sampled, StepSampler
from workbench.training.step import GAP, Learned, Step, evaluation_columns, make_columns, metrics_of
from workbench.training.update import Rows, Updater, widen
from workbench.types import Batch, Group, Request, Row, Sampling, State

EVALUATION_STEP = -1  # keys the noise of evaluations, the same every time


@dataclass(frozen=True)
class Settings:
    """The plain numbers of a run."""

    seed: int
    rollouts: RolloutSection
    training: TrainingSection
    evaluation: EvaluationSection
    record: RecordSection


@dataclass
class Trainer:
    """Trains `policy` with `method`; iterate over it. `parts` is what sampling works with.

    With `reference`, a reference policy can be read (and the exact KL is recorded).
    """

    policy: Referable
    method: Method
    parts: Parts
    settings: Settings
    stop_tokens: tuple[int, ...] = ()
    reference: bool = False
    on_phase: Callable[[str], None] = lambda phase: None
    step: int = 0
    states: dict[str, State] = field(default_factory=dict)

    def __post_init__(self) -> None:
        training = self.settings.training
        updates = training.updates * training.epochs
        self.plan = Plan.of(self.method, updates, self.recorded_signals())
        with torch.no_grad():
            width = self.policy.before([Row([0], [0])]).shape[-1]
        self.heads: nn.ModuleDict = make_heads(self.method.heads, width, self.settings.seed).to(self.policy.device)
        detached = frozenset(head.name for head in self.method.heads if head.detach)
        self.forward = Forward(
            self.policy, self.settings.rollouts.temperature or 1.0, training.micro_batch, self.heads, detached
        )
        self.live = {"learning_rate": training.learning_rate, "clip_norm": training.clip_norm}
        self.optimiser = self.make_optimiser()
        self.states = {**self.method.init(), "sampler": self.parts.sampler.init(), **self.states}
        if self.parts.pruner is not None:
            self.states["pruner"] = self.parts.pruner.init()

    @property
    def reads_reference(self) -> bool:
        """Whether a reference policy is read: one is at hand, or the method needs it."""
        return self.reference or any(reads_reference(name) for name in self.method.needs)

    def recorded_signals(self) -> tuple[str, ...]:
        """What is read of every token for the record."""
        own = RECORDED if self.settings.record.tokens == "all" else ("logprob", "entropy")
        return (*own, "kl") if self.reads_reference else own

    def make_optimiser(self) -> torch.optim.Optimizer:
        """AdamW over the policy's trainable weights, and each head at its own learning rate."""
        training = self.settings.training
        groups: list[dict[str, Any]] = [
            {"params": list(self.policy.trainable().values()), "lr": training.learning_rate}
        ]
        groups += [
            {"params": list(self.heads[head.name].parameters()), "lr": head.learning_rate, "own": True}
            for head in self.method.heads
        ]
        return torch.optim.AdamW(groups, betas=training.betas, weight_decay=training.weight_decay)

    # --------------------------------------------------------------------------------------- the loop

    def __iter__(self) -> Iterator[Step]:
        if self.step == 0 and self.settings.evaluation.problems:
            yield self.evaluated(Step(0, {}), Clock(on_phase=self.on_phase))
        while self.step < self.settings.training.steps:
            yield self.take_step()

    def take_step(self) -> Step:
        """Samples, updates, and answers what happened."""
        clock = Clock(on_phase=self.on_phase)
        number = self.step + 1
        sampled = self.sample(number, clock)
        self.refuse_unjudged(sampled)
        learned = self.learn(sampled, number, clock)
        with clock.phase("record"):
            metrics = metrics_of(sampled, learned)
            metrics["learning_rate"] = self.learning_rate(number)
            columns = make_columns(sampled, learned, self.parts.encoder, number) if self.recorded(number) else None
        self.step = number
        step = Step(number, metrics, columns, events=sampled.events)
        every, last = self.settings.evaluation.every, number == self.settings.training.steps
        if self.settings.evaluation.problems and (last or (every and number % every == 0)):
            step = self.evaluated(step, clock)
        seconds = {f"seconds.{phase}": value for phase, value in clock.seconds.items()}
        return dataclasses.replace(step, metrics={**step.metrics, "seconds": sum(clock.seconds.values()), **seconds})

    def recorded(self, number: int) -> bool:
        """Whether the rollouts of this step are kept."""
        return number % self.settings.record.every == 0 or number == self.settings.training.steps

    def sample(self, number: int, clock: Clock) -> Sampled:
        """The rounds of a step."""
        rollouts = self.settings.rollouts
        limits = Limits(rollouts.problems, rollouts.rollouts, rollouts.rounds, self.settings.seed)
        sampler = StepSampler(self.parts, limits, self.sampling(number, rollouts.temperature), self.states, clock)
        sampled = sampler.run()
        self.states["sampler"] = self.parts.sampler.learn(self.states["sampler"], sampled.groups)
        if self.parts.pruner is not None:
            self.states["pruner"] = self.parts.pruner.learn(self.states["pruner"], sampled.groups)
        return sampled

    def sampling(self, step: int, temperature: float) -> Sampling:
        """How tokens are drawn in a step."""
        rollouts = self.settings.rollouts
        return Sampling(
            temperature=temperature,
            top_p=rollouts.top_p,
            top_k=rollouts.top_k,
            max_tokens=rollouts.max_tokens,
            stop=self.stop_tokens,
            seed=self.settings.seed,
            step=step,
        )

    def refuse_unjudged(self, sampled: Sampled) -> None:
        """Stops the run when too much of a step could not be judged."""
        rollouts = [rollout for rollout in sampled.rollouts if rollout.finish != "pruned"]
        share = sum(math.isnan(rollout.reward) for rollout in rollouts) / max(1, len(rollouts))
        limit = self.settings.training.unjudged
        if share > limit:
            first = next(iter(sampled.events), "no reward said why")
            raise ValueError(
                f"{share:.0%} of the step's rollouts could not be judged, more than training.unjudged = {limit:g} "
                f"allows; first reason: {first}"
            )

    # -------------------------------------------------------------------------------------- learning

    def learn(self, sampled: Sampled, number: int, clock: Clock) -> Learned:
        """All updates of a step."""
        rollouts = trained_rollouts(sampled)
        learned = Learned(rollouts)
        if not rollouts:
            return learned
        training, device = self.settings.training, self.policy.device
        scale = Scale(number, training.steps, self.settings.rollouts.max_tokens, self.forward.temperature)
        with clock.phase("score"):
            batch = make_batch(rollouts, scale, device).replace(state=self.states)
            rows = make_rows(self.method, rollouts, sampled.groups, self.parts.encoder)
            batch = self.read_ahead(batch, rows)
            advantage = advantages(self.method, batch)
            for slot, piece in self.method.pieces():
                if isinstance(piece, LossPiece):
                    self.states[slot] = piece.learn(self.states[slot], batch)
        with clock.phase("update"):
            self.run_updates(batch, rows, advantage, learned)
            self.edit_weights(number)
            self.parts.engine.sync(self.policy)
        self.note(batch, advantage, learned)
        return learned

    def read_ahead(self, batch: Batch, rows: Rows) -> Batch:
        """The batch with what must be known before the first update."""
        width = batch.mask.shape[1]
        found: dict[str, Tensor] = {}
        for (policy, context), signals in passes(self.plan.ahead).items():
            part = self.forward.read_all(rows.after(context), signals, reference=policy == "ref_")
            for signal, values in part.items():
                found[Wanted(signal, policy, context).name] = widen(values, width)
        old = found.pop("old_logprob", None)
        batch = batch.extend(**found)
        return batch if old is None else batch.replace(logprob=old, old_logprob=old)

    def run_updates(self, batch: Batch, rows: Rows, advantage: Tensor, learned: Learned) -> None:
        """Every pass over the rollouts, cut into updates of whole groups."""
        updater = Updater(self.method, self.plan, self.forward, self.optimiser, self.live["clip_norm"])
        self.set_learning_rate(batch.step)
        training, groups = self.settings.training, batch.group.tolist()
        for epoch in range(training.epochs):
            generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + batch.step * 1_009 + epoch)
            names = list(dict.fromkeys(groups))
            order = torch.rand(len(names), generator=generator).tolist()
            for chosen in update_groups(names, training.updates, order):
                members = [row for row, group in enumerate(groups) if group in set(chosen)]
                index = torch.tensor(members)
                report = updater.update(batch.rows(index), rows.take(members), advantage[index])
                merge(learned.tensors, {**report.signals, "lens": report.lens}, index, len(groups))
                learned.losses.append(report.loss)
                learned.norms.append(report.grad_norm)

    def edit_weights(self, number: int) -> None:
        """The method's weight edits, after the updates."""
        for place, edit in enumerate(self.method.edits):
            slot = f"edits.{place}"
            weights = {name: parameter.data for name, parameter in self.policy.trainable().items()}
            changed, self.states[slot] = edit(self.states[slot], weights, number)
            for name, value in changed.items():
                weights[name].copy_(value)

    def note(self, batch: Batch, advantage: Tensor, learned: Learned) -> None:
        """Puts what was known before the updates beside what they read."""
        mask = batch.mask
        old = batch.old_logprob if self.plan.first_pass else learned.tensors["logprob"]
        learned.mask = mask & batch.judged[:, None]
        learned.tensors |= {"advantage": advantage, "old_logprob": old}
        learned.tensors |= {name: batch[name] for name in self.plan.ahead if name != "old_logprob"}
        engine = batch["engine_logprob"]
        learned.tensors[GAP] = torch.where(mask, engine - old, math.nan)

    # --------------------------------------------------------------------------- learning rate, live

    def learning_rate(self, number: int) -> float:
        """The learning rate of a step: warm-up, then the schedule."""
        training, peak = self.settings.training, self.live["learning_rate"]
        if number <= training.warmup:
            return peak * number / training.warmup
        done = (number - 1 - training.warmup) / max(1, training.steps - training.warmup)
        shapes = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done))}
        return peak * shapes[training.schedule]

    def set_learning_rate(self, number: int) -> None:
        """Hands the learning rate to the optimiser; a head keeps its own."""
        for group in self.optimiser.param_groups:
            if not group.get("own"):
                group["lr"] = self.learning_rate(number)

    def set(self, **changes: float) -> dict[str, float]:
        """Changes live fields from the next step on; answers the old value of each."""
        unknown = sorted(changes.keys() - self.live.keys())
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)} cannot change while a run goes on; these can: {', '.join(self.live)}"
            )
        for name, value in changes.items():
            if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
                raise ValueError(f"{name} = {value!r}: give a number above 0")
        old = {name: self.live[name] for name in changes}
        self.live.update({name: float(value) for name, value in changes.items()})
        return old

    # ------------------------------------------------------------------------------------ evaluation

    def evaluated(self, step: Step, clock: Clock) -> Step:
        """The step with the accuracy over the held-out problems, one answer each, the same noise every time."""
        settings = self.settings.evaluation
        with clock.phase("evaluate"):
            problems = [self.parts.task.problem(number, "test") for number in range(settings.problems)]
            requests = [
                Request(problem, self.parts.encoder.prompt(problem.prompt), group=number, number=number)
                for number, problem in enumerate(problems)
            ]
            rollouts = self.parts.engine.generate(requests, self.sampling(EVALUATION_STEP, settings.temperature))
            events = list(step.events)
            for rollout in rollouts:
                events += self.parts.judge(Group(rollout.request.group, rollout.request.problem, [rollout]))
        verdicts = [rollout.correct for rollout in rollouts if not math.isnan(rollout.correct)]
        accuracy = sum(verdicts) / len(verdicts) if verdicts else math.nan
        columns = evaluation_columns(rollouts, self.parts.encoder, step.number)
        known = {} if math.isnan(accuracy) else {"accuracy": accuracy}
        metrics = {**step.metrics, **known, "evaluated": float(len(verdicts))}
        return dataclasses.replace(step, metrics=metrics, evaluation=columns, events=events)

    # ----------------------------------------------------------------------------------- checkpoints

    def save(self, path: Path) -> None:
        """Writes everything needed to go on bit for bit."""
        state = {
            "step": self.step,
            "live": self.live,
            "optimiser": checkpoint.optimiser_state(self.optimiser),
            "states": self.states,
        }
        checkpoint.write(path, self.weights(), state)

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint."""
        weights, state = checkpoint.read(path)
        own = self.weights()
        if weights.keys() != own.keys():
            odd = sorted(weights.keys() ^ own.keys())[:3]
            raise ValueError(f"{path} is of another model: {', '.join(odd)} … are not in both; use its own config")
        with torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(value)
        self.step, self.live, self.states = state["step"], state["live"], state["states"]
        checkpoint.restore_optimiser(self.optimiser, state["optimiser"])
        self.parts.engine.sync(self.policy)

    def weights(self) -> dict[str, Tensor]:
        """The weights under training, heads included."""
        heads = {f"head.{name}": parameter for name, parameter in self.heads.named_parameters()}
        return {**self.policy.trainable(), **heads}
