"""The trainer: a generator of steps. It knows protocols, and no method, task, reward or engine by name."""

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.method import Method
from workbench.sections import EvaluationSection, RecordSection, RolloutSection, TrainingSection
from workbench.signals import RECORDED
from workbench.training import checkpoint
from workbench.training.forward import Referable
from workbench.training.learner import Learner
from workbench.training.plan import reads_reference
from workbench.training.sampling import Clock, Limits, Parts, Sampled, StepSampler
from workbench.training.scorer import PolicyScorer
from workbench.training.step import Learned, Step, evaluation_columns, make_columns, metrics_of
from workbench.types import Group, Request, Sampling, State

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
        self.states = {**self.method.init(), "sampler": self.parts.sampler.init(), **self.states}
        if self.parts.pruner is not None:
            self.states["pruner"] = self.parts.pruner.init()
        self.learner = Learner(
            policy=self.policy,
            method=self.method,
            encoder=self.parts.encoder,
            training=self.settings.training,
            budget=self.settings.rollouts.max_tokens,
            temperature=self.settings.rollouts.temperature or 1.0,
            seed=self.settings.seed,
            states=self.states,
            record=self.recorded_signals(),
        )
        if self.parts.scorer is None:
            self.parts.scorer = PolicyScorer(self.learner.forward)

    @property
    def reads_reference(self) -> bool:
        """Whether a reference policy is read: one is at hand, or the method needs it."""
        return self.reference or any(reads_reference(name) for name in self.method.needs)

    def recorded_signals(self) -> tuple[str, ...]:
        """What is read of every token for the record."""
        own = RECORDED if self.settings.record.tokens == "all" else ("logprob", "entropy")
        return (*own, "kl") if self.reads_reference else own

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
        learned = self.learner.learn(sampled, number, clock)
        with clock.phase("sync"):
            self.parts.engine.sync(self.policy)
        with clock.phase("record"):
            metrics = metrics_of(sampled, learned)
            if self.parts.pruner is not None:
                metrics |= self.parts.pruner.metrics(self.states["pruner"])
            metrics["learning_rate"] = self.learner.learning_rate(number)
            columns = self.columns(sampled, learned, number) if self.recorded(number) else None
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

    def columns(self, sampled: Sampled, learned: Learned, number: int) -> dict[str, Any]:
        """The step's rollouts for the record."""
        numbers = self.settings.record.tokens == "all"
        return make_columns(sampled, learned, self.parts.encoder, number, numbers=numbers)

    def sample(self, number: int, clock: Clock) -> Sampled:
        """The rounds of a step."""
        rollouts = self.settings.rollouts
        limits = Limits(rollouts.problems, rollouts.rollouts, rollouts.rounds, self.settings.seed)
        sampler = StepSampler(self.parts, limits, self.sampling(number, rollouts.temperature), self.states, clock)
        sampled = sampler.run()
        self.states["sampler"] = self.parts.sampler.learn(self.states["sampler"], sampled.groups)
        if self.parts.pruner is not None:
            self.states["pruner"] = self.parts.pruner.learn(self.states["pruner"], sampled.groups)
            sampled.events += self.parts.pruner.events(self.states["pruner"])
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
        share = sum(not rollout.could_be_judged for rollout in rollouts) / max(1, len(rollouts))
        limit = self.settings.training.unjudged
        if share > limit:
            first = next(iter(sampled.events), "no reward said why")
            raise ValueError(
                f"{share:.0%} of the step's rollouts could not be judged, more than training.unjudged = {limit:g} "
                f"allows; first reason: {first}"
            )

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
            plain = dataclasses.replace(self.sampling(EVALUATION_STEP, settings.temperature), top_p=1.0, top_k=0)
            rollouts = self.parts.engine.generate(requests, plain)
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

    def set(self, **changes: float) -> dict[str, float]:
        """Changes live fields from the next step on; answers the old value of each."""
        return self.learner.set(**changes)

    def save(self, path: Path) -> None:
        """Writes everything needed to go on bit for bit."""
        state = {"step": self.step, "states": self.states, **self.learner.state()}
        checkpoint.write(path, self.learner.weights(), state)

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint."""
        weights, state = checkpoint.read(path)
        odd = sorted(weights.keys() ^ self.learner.weights().keys())[:3]
        if odd:
            raise ValueError(f"{path} is of another model: {', '.join(odd)} … are not in both; use its own config")
        self.step = state["step"]
        self.states.clear()
        self.states.update(state["states"])
        self.learner.restore(weights, state)
        self.parts.engine.sync(self.policy)
