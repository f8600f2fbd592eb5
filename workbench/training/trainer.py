"""The trainer: a generator of steps. It knows protocols, and no method, task, reward or engine by name."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.kinds import Alarm, Watched
from workbench.method import Method
from workbench.sections import EvaluationSection, RecordSection, RolloutSection, TrainingSection
from workbench.signals import RECORDED
from workbench.training import checkpoint
from workbench.training.asking.bench import Asking, positions_of
from workbench.training.dry import Advice, dry_pass, is_out_of_memory, largest_rows, longest_prompts
from workbench.training.evaluation import (
    EVALUATION_STEP,
    PROBE_STEP,
    WAITING,
    accuracy,
    ask,
    probe_columns,
    scored_again,
    waiting,
)
from workbench.training.exams import Exams, TakenExam
from workbench.training.forward import Referable
from workbench.training.learner import Learner
from workbench.training.memory import SURVEY_STEP, Memory
from workbench.training.sampling import Clock, Limits, Parts, Sampled, StepSampler
from workbench.training.signal_plan import reads_reference
from workbench.training.step import Learned, Step, evaluation_columns, make_columns
from workbench.training.watching.alarms import Alarms
from workbench.training.watching.metrics import metrics_of
from workbench.training.watching.stopping import STOPPING, after, out_of_time, reason
from workbench.types import Sampling, State
from workbench.types.memory import Line


@dataclass(frozen=True)
class Settings:
    """The settings of a run: its seed and the tables of its config."""

    seed: int
    rollouts: RolloutSection
    training: TrainingSection
    evaluation: EvaluationSection
    record: RecordSection


@dataclass
class Trainer:
    """Trains `policy` with `method`: iterate over it to run the steps. `parts` are the parts that sampling uses.

    With `reference`, a reference policy is available (and the exact KL is recorded).
    """

    policy: Referable
    method: Method
    parts: Parts
    settings: Settings
    stop_tokens: tuple[int, ...] = ()
    reference: bool = False
    on_phase: Callable[[str], None] = lambda phase: None
    advice: Advice = lambda prompt: "set a smaller training.micro_batch"
    step: int = 0
    states: dict[str, State] = field(default_factory=dict)
    watch: Sequence[Alarm] = ()
    exams: Sequence[TakenExam] = ()

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
            after=self.settings.record.after,
        )
        plain, record = self.sampling(0, 1.0), self.settings.record.questions
        self.bench = Asking.of(self.learner.forward, self.parts, plain, record)
        self.parts.scorer = self.parts.scorer or self.bench
        self.alarms = Alarms(self.watch, self.states)
        self.examiner = Exams(self.exams, self.states, self.sampling, self.settings.evaluation.temperature)
        self.memory = Memory(self.parts, self.method.synthesis, self.states, self.settings.seed)

    @property
    def reads_reference(self) -> bool:
        """Whether a reference policy is used: one is available, or the method needs it."""
        return self.reference or any(reads_reference(name) for name in self.method.needs)

    def recorded_signals(self) -> tuple[str, ...]:
        """The signals that are computed for every token for the record."""
        own = RECORDED if self.settings.record.tokens == "all" else ("logprob", "entropy")
        return (*own, "kl") if self.reads_reference else own

    # --------------------------------------------------------------------------------------- the loop

    def __iter__(self) -> Iterator[Step]:
        if self.tries_largest:
            self.try_largest()
        if self.step == 0:
            clock = Clock(on_phase=self.on_phase)
            start = self.memory.survey(self.sampling(SURVEY_STEP, self.settings.rollouts.temperature), clock)
            if self.settings.evaluation.problems:
                start = self.evaluated(start, clock)
            start = self.examiner.take(start, clock, last=False)
            if start.metrics:
                yield dataclasses.replace(start, journal=self.bench.journal(start.journal))
        while not self.ended:
            yield self.take_step()

    @property
    def ended(self) -> bool:
        """Whether the last step was taken, or a reason to end earlier was met."""
        return self.step >= self.settings.training.steps or "ends" in self.states.get(STOPPING, {})

    def take_step(self) -> Step:
        """Samples, updates the weights, and returns the step's result."""
        clock, training = Clock(on_phase=self.on_phase), self.settings.training
        number = self.step + 1
        stopping = self.states.get(STOPPING, {})
        late = out_of_time(training, stopping)
        sampled = self.sample(number, clock)
        self.alarms.ask(Watched(number, metrics_of(sampled, Learned(())), sampled.events), before_update=True)
        journal = self.bench.journal(self.memory.learn(number, sampled), sampled.rollouts)
        record = late or self.recorded(number)
        learned = self.learner.learn(sampled, number, clock, record=record)
        again = self.probes_again(clock)
        with clock.phase("sync"):
            self.parts.engine.sync(self.policy)
        with clock.phase("record"):
            metrics = metrics_of(sampled, learned)
            if self.parts.pruner is not None:
                metrics |= self.parts.pruner.metrics(self.states["pruner"])
            if self.parts.controller is not None:
                metrics |= self.parts.controller.metrics(self.states["controller"])
            metrics["learning_rate"] = self.learner.learning_rate(number)
            columns = self.columns(sampled, learned, number) if record else None
        self.step = number
        step = Step(number, metrics, columns, again=again, events=sampled.events, journal=journal)
        every, last = self.settings.evaluation.every, late or number == training.steps
        if self.settings.evaluation.problems and (last or (every and number % every == 0)):
            step = self.evaluated(step, clock)
        step = self.examiner.take(step, clock, last=last)
        self.alarms.ask(Watched(number, step.metrics, step.events), before_update=False)
        ends = reason(training, number, step.metrics, late) or self.alarms.ends
        step = self.examiner.take(step, clock, last=bool(ends))
        seconds = {f"seconds.{phase}": value for phase, value in clock.seconds.items()}
        spent = sum(clock.seconds.values())
        self.states.pop(STOPPING, None)
        if state := after(training, stopping, spent, ends):
            self.states[STOPPING] = state
        metrics = {**step.metrics, "seconds": spent, **seconds}
        step = dataclasses.replace(step, journal=self.bench.journal(step.journal))
        return dataclasses.replace(step, metrics=metrics, alerts=tuple(self.alarms.alerts), ends=ends)

    def recorded(self, number: int) -> bool:
        """Whether the rollouts of this step are recorded."""
        return number % self.settings.record.every == 0 or number == self.settings.training.steps

    def columns(self, sampled: Sampled, learned: Learned, number: int) -> dict[str, Any]:
        """The step's rollouts as columns for the record."""
        numbers = self.settings.record.tokens == "all"
        return make_columns(sampled, learned, self.parts.encoder, number, numbers=numbers)

    def sample(self, number: int, clock: Clock) -> Sampled:
        """Samples all rounds of a step; the sampler and the pruner are updated with its groups."""
        rollouts, steps = self.settings.rollouts, self.settings.training.steps
        positions = positions_of(self.policy)
        limits = Limits(rollouts.problems, rollouts.rollouts, rollouts.rounds, self.settings.seed, steps, positions)
        sampler = StepSampler(self.parts, limits, self.sampling(number, rollouts.temperature), self.states, clock)
        with self.bench.sampling(number):
            sampled = sampler.run()
        self.states["sampler"] = self.parts.sampler.learn(self.states["sampler"], sampled.groups)
        for place, item in enumerate(self.parts.filters):
            slot = f"filters.{place}"
            self.states[slot] = item.learn(self.states.get(slot, {}), sampled.groups)
        if self.parts.pruner is not None:
            self.states["pruner"] = self.parts.pruner.learn(self.states["pruner"], sampled.groups)
            sampled.events += self.parts.pruner.events(self.states["pruner"])
        return sampled

    def sampling(self, step: int, temperature: float) -> Sampling:
        """The sampling settings of a step."""
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

    # ----------------------------------------------------------------------------------- the dry pass

    @property
    def tries_largest(self) -> bool:
        """Whether the largest update is run before the first step.

        Not on a CPU unless requested: there the system kills a process without a message if it takes too much memory.
        """
        wanted = self.settings.training.dry_pass
        return wanted == "always" or (wanted == "auto" and self.policy.device.type != "cpu")

    def try_largest(self) -> None:
        """Runs the dry pass; ValueError with advice if the update does not fit."""
        self.on_phase("dry pass")
        rollouts = self.settings.rollouts
        prompts = longest_prompts(self.parts.task, self.parts.encoder, rollouts.problems)
        rows = largest_rows(prompts, rollouts.rollouts, rollouts.max_tokens)
        try:
            dry_pass(self.learner.forward, self.learner.plan, self.learner.optimiser, rows)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            prompt = len(rows[0].prompt)
            raise ValueError(
                f"the largest update does not fit into the memory of {self.policy.device}: completions of "
                f"{rollouts.max_tokens} tokens after prompts of {prompt}, training.micro_batch = "
                f"{self.settings.training.micro_batch}; {self.advice(prompt)}"
            ) from error

    # ------------------------------------------------------------------------------------ evaluation

    def evaluated(self, step: Step, clock: Clock) -> Step:
        """The step with held-out accuracy and the tracked problems' rollouts, always from the same random numbers."""
        settings = self.settings.evaluation
        plain = dataclasses.replace(self.sampling(EVALUATION_STEP, settings.temperature), top_p=1.0, top_k=0)
        with clock.phase("evaluate"):
            found = ask(self.parts, settings.problems, 1, plain)
            evaluation = evaluation_columns(found.rollouts, self.parts.encoder, step.number)
            probes, events = self.probes(step.number) if settings.probes else (None, [])
        metrics, events = {**step.metrics, **accuracy(found)}, [*step.events, *found.events, *events]
        return dataclasses.replace(step, metrics=metrics, evaluation=evaluation, probes=probes, events=events)

    def probes(self, number: int) -> tuple[dict[str, Any], list[str]]:
        """(columns of the tracked problems' rollouts, events)."""
        settings, temperature = self.settings.evaluation, self.settings.rollouts.temperature
        asked = ask(self.parts, settings.probes, settings.probe_rollouts, self.sampling(PROBE_STEP, temperature))
        record = self.settings.record
        signals = self.recorded_signals() if record.tokens == "all" else ()
        again = bool(signals and record.after)
        if again:  # then their lens is wanted too, for which the method's signals are needed
            signals = tuple(sorted({*signals, *self.learner.plan.plain}))
        columns = probe_columns(self.parts, asked, number, self.learner.forward, signals)
        if again:
            self.states[WAITING] = waiting(asked, number)
        return columns, asked.events

    def probes_again(self, clock: Clock) -> dict[str, Any] | None:
        """The previous evaluation's tracked rollouts scored under the current policy; None if none are waiting.

        They are part of the trainer's states, so a run that is killed and resumed in between scores them too.
        """
        state = self.states.pop(WAITING, None)
        if state is None:
            return None
        with clock.phase("score"):
            return scored_again(self.learner.forward, state)

    # ----------------------------------------------------------------------------------- checkpoints

    def set(self, **changes: float) -> dict[str, float]:
        """Changes live fields from the next step on; returns the old values."""
        return self.learner.set(**changes)

    def save(self, path: Path) -> None:
        """Writes a checkpoint with everything needed to resume bit for bit."""
        state = {"step": self.step, "states": self.states, "journal": self.memory.journal.state()}
        state |= self.learner.state()
        checkpoint.write(path, self.learner.weights(), state)

    def load(self, path: Path, journal: Mapping[str, Sequence[Line]] | None = None) -> None:
        """Resumes from a checkpoint, and from the lines of ledger and stock that were kept beside it.

        ValueError if it is of another model, or lines are missing.
        """
        weights, state = checkpoint.read(path)
        odd = sorted(weights.keys() ^ self.learner.weights().keys())[:3]
        if odd:
            raise ValueError(
                f"{path} is of another model: {', '.join(odd)} … are not in both; resume it with its own config"
            )
        self.step = state["step"]
        self.states.clear()
        self.states.update(state["states"])
        self.memory.restore(state.get("journal"), journal or {})
        self.learner.restore(weights, state)
        self.parts.engine.sync(self.policy)
