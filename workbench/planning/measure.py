"""Seconds per step, measured on a trainer: real steps with short completions, then longer ones, until the time is up.

Steps use the run's own problems and rows; only the completions are shorter. Where full-length completions fit into the
time, nothing is extrapolated. Otherwise each phase is extrapolated linearly in tokens, from its last two measurements.
The learning rate is 1e-30, so that every step runs the same model.
"""

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from workbench.planning.completions import ask_some
from workbench.planning.extrapolate import PHASES, Sample, at, line, times_taken, to_come
from workbench.training.exams import TakenExam
from workbench.training.memory import LEDGER
from workbench.training.sampling import Clock
from workbench.training.step import Step
from workbench.training.trainer import Settings, Trainer

FIRST = 8  # tokens of the shortest completions, and problems of the smallest evaluation: the first ones measured
GROWTH = 4  # factor by which the number of problems grows; completions double
REPEATS = 3  # full-size steps that are measured, if time allows
UNCHANGED = 1e-30  # learning rate that changes no weight


@dataclass(frozen=True)
class Timing:
    """Seconds, estimated from a few measured steps."""

    load: float  # loading, before the first step
    phases: dict[str, float]  # per step, by `PHASES`
    step: float
    most: float  # a step, if every completion had the maximum length
    evaluation: float
    evaluations: int
    whole: float  # the whole run
    tokens: int  # generated per step
    cut: int  # maximum tokens of a completion in the measurement
    longest: int  # maximum tokens of a completion in the run
    note: str  # what was measured and what was extrapolated
    exams: float = 0.0  # all exams of the run
    answers: list[dict[str, Any]] = field(default_factory=list)  # of some held-out problems: prompt, text, answer, …

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    def describe(self) -> list[str]:
        """The estimate as lines of text: seconds by phase, of the run, and how they were measured."""
        lines = [f"{'time':18}{'seconds':>8}", f"  {'loading':16}{self.load:8.2f}  once"]
        lines += [f"  {name:16}{value:8.2f}" for name, value in self.phases.items()]
        most = f"; {self.most:.2f} if every completion had {self.longest} tokens" if self.most > self.step else ""
        lines.append(f"  {'a step':16}{self.step:8.2f}  {self.tokens:,} tokens generated{most}")
        if self.evaluations:
            lines.append(f"  {'an evaluation':16}{self.evaluation:8.2f}  {self.evaluations} in the run")
        if self.exams:
            lines.append(f"  {'exams':16}{self.exams:8.2f}  in all")
        return [*lines, f"the whole run: about {duration(self.whole)}", f"measured: {self.note}"]


def duration(seconds: float) -> str:
    """A duration as text.

    >>> duration(34.4), duration(200), duration(9000)
    ('34 s', '3.3 minutes', '2.5 hours')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def measure_trainer(trainer: Trainer, load: float, seconds: float) -> Timing:
    """Measures for about `seconds`, at least one step. The trainer cannot be used afterwards.

    `load`: seconds that making the trainer took. Filters and controllers run in full-length steps only, since a
    truncated completion counts as incorrect.
    """
    stepper = Stepper(trainer)
    if trainer.tries_largest:
        trainer.try_largest()
    samples = stepper.steps(seconds)
    evaluations = stepper.evaluations(seconds / 2, samples[-1].cut) if stepper.settings.evaluation.problems else []
    found = timing(stepper.settings, load, samples, evaluations)
    found = dataclasses.replace(found, answers=ask_some(trainer, stepper.settings))
    rate = found.phases["rollouts"] / max(1.0, samples[-1].rollouts)
    return with_exams(with_survey(found, stepper.surveyed, rate), trainer.exams, stepper.settings, rate)


def with_survey(found: Timing, rollouts: int, rate: float) -> Timing:
    """The estimate with so many rollouts of a survey before the first step, at `rate` seconds each."""
    if not rollouts:
        return found
    text = f"with a survey of {rollouts:,} rollouts before the first step, taken to be solved half of the time"
    return dataclasses.replace(found, whole=found.whole + rollouts * rate, note=f"{found.note}; {text}")


def with_exams(found: Timing, exams: Sequence[TakenExam], settings: Settings, rate: float) -> Timing:
    """The estimate with the exams, whose completions take as long as the run's own of `rate` seconds each."""
    steps = settings.training.steps
    asked = sum(exam.part.completions * times_taken(steps, exam.part.every) for exam in exams)
    return dataclasses.replace(found, exams=asked * rate, whole=found.whole + asked * rate)


class Stepper:
    """Runs steps of a trainer with completions of any maximum length."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.settings = trainer, trainer.settings
        self.filters, self.controller = trainer.parts.filters, trainer.parts.controller
        trainer.set(learning_rate=UNCHANGED)
        trainer.alarms.alarms = ()  # completions that are cut short would set them off
        trainer.examiner.taken = ()
        self.surveyed = assume_survey(trainer)

    def steps(self, seconds: float) -> list[Sample]:
        """Steps of growing size. The first one pays one-time costs and counts only if there is no other."""
        end, rollouts = time.perf_counter() + seconds, self.settings.rollouts
        fewest, cut = self.settings.training.updates, min(FIRST, rollouts.max_tokens)
        found = [self.take(fewest, cut, 1)]
        if found[0].total < end - time.perf_counter():
            found = [self.take(fewest, cut, 1)]
        while (size := next_size(found, rollouts.problems, rollouts.max_tokens)) is not None:
            last = found[-1]
            growth = size[0] / last.problems * (1 + last.unfinished / max(1.0, last.rollouts))
            if last.total * growth > end - time.perf_counter():
                break
            found.append(self.take(*size))
        return found

    def take(self, problems: int, cut: int, number: int) -> Sample:
        """One measured step."""
        trainer, whole = self.trainer, cut == self.settings.rollouts.max_tokens
        trainer.settings = cut_short(self.settings, problems, cut, held_out=0)
        trainer.parts.filters = self.filters if whole else ()
        trainer.parts.controller = self.controller if whole else None
        trainer.step = number - 1
        found = trainer.take_step().metrics
        spent = {name: sum(found.get(f"seconds.{part}", 0.0) for part in parts) for name, parts in PHASES.items()}
        unfinished = found["truncated"] * (found["rollouts"] - found.get("pruned", 0.0))
        return Sample(problems, cut, found["tokens"], found["rollouts"], unfinished, spent)

    def evaluations(self, seconds: float, cut: int) -> list[tuple[float, float]]:
        """(problems, seconds) of evaluations of growing size."""
        end, wanted = time.perf_counter() + seconds, self.settings.evaluation.problems
        found: list[tuple[float, float]] = []
        count = min(FIRST, wanted)
        while True:
            self.trainer.settings = cut_short(self.settings, self.settings.rollouts.problems, cut, held_out=count)
            clock = Clock()
            self.trainer.evaluated(Step(0, {}), clock)
            found.append((count, clock.seconds["evaluate"]))
            growth = min(GROWTH * count, wanted) / count
            if count == wanted or growth * found[-1][1] > end - time.perf_counter():
                return found
            count = min(GROWTH * count, wanted)


def assume_survey(trainer: Trainer) -> int:
    """Enters a survey in which half of the attempts succeeded, if the sampler wants one; the rollouts it takes."""
    wanted, parts = trainer.parts.sampler.survey, trainer.parts
    if wanted is None:
        return 0
    count = min(size for size in (parts.task.size("train"), wanted.problems) if size is not None)
    keys = [parts.task.problem(number, "train").key for number in range(count)]
    visits = [[key, number, wanted.rollouts, wanted.rollouts / 2, None] for number, key in enumerate(keys)]
    trainer.memory.enter(LEDGER, [{"step": 0, "visits": visits}])
    return count * wanted.rollouts


def cut_short(settings: Settings, problems: int, cut: int, held_out: int) -> Settings:
    """A run's settings with fewer problems, shorter completions, and no limit that would stop it."""
    return dataclasses.replace(
        settings,
        rollouts=settings.rollouts.model_copy(update={"problems": problems, "max_tokens": cut}),
        evaluation=settings.evaluation.model_copy(update={"problems": held_out}),
    )


def next_size(found: Sequence[Sample], problems: int, longest: int) -> tuple[int, int, int] | None:
    """What to measure next: problems, maximum tokens of a completion, step number; None when everything is measured."""
    last = found[-1]
    if last.problems < problems:
        return min(GROWTH * last.problems, problems), last.cut, 1
    if last.cut < longest:
        return problems, min(2 * last.cut, longest) if last.unfinished else longest, 1
    whole = sum((sample.problems, sample.cut) == (problems, longest) for sample in found)
    return (problems, longest, whole + 1) if whole < REPEATS else None


# ------------------------------------------------------------------------- from measured steps to the run


def timing(
    settings: Settings, load: float, samples: Sequence[Sample], evaluations: Sequence[tuple[float, float]]
) -> Timing:
    """The estimate for the whole run."""
    rollouts, last = settings.rollouts, samples[-1]
    times = rollouts.problems / last.problems
    alike = [sample for sample in samples if sample.problems == last.problems]
    tokens = median(sample.tokens for sample in alike if sample.cut == last.cut) + to_come(alike, rollouts.max_tokens)
    steps = alike if times == 1 else samples
    phases = at(steps, times * tokens, times)
    most = sum(at(steps, times * last.rollouts * rollouts.max_tokens, times).values())
    grown = tokens / last.tokens if last.tokens else 1.0  # completions of an evaluation as well
    evaluation = line(evaluations, settings.evaluation.problems) * grown if evaluations else 0.0
    count = times_taken(settings.training.steps, settings.evaluation.every) if evaluations else 0
    step = sum(phases.values())
    return Timing(
        load=load,
        phases=phases,
        step=step,
        most=max(step, most),
        evaluation=evaluation,
        evaluations=count,
        whole=load + settings.training.steps * step + count * evaluation,
        tokens=round(times * tokens),
        cut=last.cut,
        longest=rollouts.max_tokens,
        note=note(settings, alike),
    )


def note(settings: Settings, samples: Sequence[Sample]) -> str:
    """What was measured and what was extrapolated, as text."""
    last, rollouts = samples[-1], settings.rollouts
    shape = f"{last.problems} × {rollouts.rollouts} rollouts"
    if (last.problems, last.cut) == (rollouts.problems, rollouts.max_tokens):
        whole = sum(sample.cut == last.cut for sample in samples)
        return f"{whole} whole step{'s' if whole > 1 else ''} of {shape}; completion lengths change during training"
    parts = [f"a step of {shape} with completions of at most {last.cut} tokens"]
    if last.unfinished:
        parts.append(
            f"the {last.unfinished:.0f} truncated ones are assumed to end at the same rate per token as the others"
        )
    if last.problems < rollouts.problems:
        parts.append(f"extrapolated to {rollouts.problems} problems")
    return "; ".join([*parts, "extra rounds of filters or a controller are not included"])
