"""Seconds of a step, measured on a trainer: real steps with short answers, then longer ones, as long as time lasts.

Steps are the run's own, with all its problems and rows; only their answers are cut. Where whole answers fit into the
time nothing is extrapolated; else each phase goes on along the line through its last two measurements, to as many
tokens as the answers would have. The learning
rate is next to nothing, so every step meets the same model.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from workbench.training.sampling import Clock
from workbench.training.step import Step
from workbench.training.trainer import Settings, Trainer

FIRST = 8  # tokens of the first, shortest answers, and problems of the first, smallest evaluation
GROWTH = 4  # times the problems, until all are asked; answers double
REPEATS = 3  # whole steps that are measured, if time allows
STILL = 1e-30  # learning rate that changes no weight
PHASES = {  # as people read them: phases of the trainer's clock
    "rollouts": ("generate",),
    "scoring": ("reward", "control"),
    "update": ("score", "update"),
    "the rest": ("sync", "record"),
}
APART = 0.75  # two measurements make a line where one has at most this part of the other's tokens


@dataclass(frozen=True)
class Sample:
    """A step as measured. `cut`: most tokens of an answer; `unfinished`: answers that were cut."""

    problems: int
    cut: int
    tokens: float  # written, of all answers
    rollouts: float
    unfinished: float
    seconds: Mapping[str, float]  # by `PHASES`

    @property
    def total(self) -> float:
        """Seconds of all phases."""
        return sum(self.seconds.values())


@dataclass(frozen=True)
class Timing:
    """Seconds, as told by a few measured steps."""

    load: float  # until the first step can begin
    phases: dict[str, float]  # of a step
    step: float
    most: float  # a step, if every answer were as long as it may be
    evaluation: float
    evaluations: int
    whole: float  # the run
    tokens: int  # written in a step
    cut: int  # most tokens of an answer as measured
    longest: int  # most tokens of an answer in the run
    note: str  # what was measured, and what was not

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return dataclasses.asdict(self)

    def told(self) -> list[str]:
        """Lines for people."""
        lines = [f"{'time':18}{'seconds':>8}", f"  {'loading':16}{self.load:8.2f}  once"]
        lines += [f"  {name:16}{value:8.2f}" for name, value in self.phases.items()]
        most = f"; {self.most:.2f} if every answer had {self.longest} tokens" if self.most > self.step else ""
        lines.append(f"  {'a step':16}{self.step:8.2f}  {self.tokens:,} tokens written{most}")
        if self.evaluations:
            lines.append(f"  {'an evaluation':16}{self.evaluation:8.2f}  {self.evaluations} of them in the run")
        return [*lines, f"the whole run: about {duration(self.whole)}", f"measured: {self.note}"]


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(34.4), duration(200), duration(9000)
    ('34 s', '3.3 minutes', '2.5 hours')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def measure(trainer: Trainer, load: float, seconds: float) -> Timing:
    """Measures for about so many seconds, at least one step; the trainer is used up. `load`: what making it took.

    Filters and controllers take part in whole steps only: a cut answer is a wrong one to them.
    """
    prober = Prober(trainer)
    if trainer.tries_largest:
        trainer.try_largest()
    samples = prober.steps(seconds)
    evaluations = prober.evaluations(seconds / 2, samples[-1].cut) if prober.settings.evaluation.problems else []
    return timing(prober.settings, load, samples, evaluations)


class Prober:
    """Takes steps of a trainer with answers of any length."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.settings = trainer, trainer.settings
        self.filters, self.controller = trainer.parts.filters, trainer.parts.controller
        trainer.set(learning_rate=STILL)

    def steps(self, seconds: float) -> list[Sample]:
        """Steps of growing size; the first, which loads what is loaded once, only counts if there is no other."""
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
        """One step."""
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
        """Problems and seconds of evaluations of growing size."""
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


def cut_short(settings: Settings, problems: int, cut: int, held_out: int) -> Settings:
    """A run's settings with fewer problems, shorter answers, and nothing that would end it."""
    return dataclasses.replace(
        settings,
        rollouts=settings.rollouts.model_copy(update={"problems": problems, "max_tokens": cut}),
        training=settings.training.model_copy(update={"unscored": 1.0, "mismatch_limit": 0.0}),
        evaluation=settings.evaluation.model_copy(update={"problems": held_out}),
    )


def next_size(found: Sequence[Sample], problems: int, longest: int) -> tuple[int, int, int] | None:
    """What to measure next: problems, most tokens of an answer, and the step's number; None where all is measured."""
    last = found[-1]
    if last.problems < problems:
        return min(GROWTH * last.problems, problems), last.cut, 1
    if last.cut < longest:
        return problems, min(2 * last.cut, longest) if last.unfinished else longest, 1
    whole = sum((sample.problems, sample.cut) == (problems, longest) for sample in found)
    return (problems, longest, whole + 1) if whole < REPEATS else None


# ------------------------------------------------------------------------------------- from samples to a run


def timing(
    settings: Settings, load: float, samples: Sequence[Sample], evaluations: Sequence[tuple[float, float]]
) -> Timing:
    """What the samples say of the whole run."""
    rollouts, last = settings.rollouts, samples[-1]
    times = rollouts.problems / last.problems
    alike = [sample for sample in samples if sample.problems == last.problems]
    tokens = median(sample.tokens for sample in alike if sample.cut == last.cut) + to_come(alike, rollouts.max_tokens)
    steps = alike if times == 1 else samples
    phases = at(steps, times * tokens, times)
    most = sum(at(steps, times * last.rollouts * rollouts.max_tokens, times).values())
    grown = tokens / last.tokens if last.tokens else 1.0  # answers of an evaluation as well
    evaluation = line(evaluations, settings.evaluation.problems) * grown if evaluations else 0.0
    count = evaluation_count(settings) if evaluations else 0
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


def to_come(samples: Sequence[Sample], longest: int) -> float:
    """Tokens that the cut answers would still have, if they ended as often, per token, as since the last cut but one.

    At a chance h of every token to be the last, an answer has 1 + (1 - h) + (1 - h)² + … tokens more.
    """
    last = samples[-1]
    before = next((sample for sample in reversed(samples) if sample.cut < last.cut), None)
    written = last.tokens - (before.tokens if before else 0.0)
    ended = (before.unfinished if before else last.rollouts) - last.unfinished
    chance = min(1.0, max(0.0, ended / written)) if written > 0 else 0.0
    left = longest - last.cut
    return last.unfinished * ((1 - (1 - chance) ** left) / chance if chance else left)


def at(samples: Sequence[Sample], tokens: float, times: float) -> dict[str, float]:
    """Seconds by phase of a step with `times` the last sample's problems whose answers have so many tokens in all.

    Scoring goes by the number of answers; the rest is done once a step.
    """
    sizes = dict.fromkeys((sample.problems, sample.cut) for sample in samples)
    steps = [[sample for sample in samples if (sample.problems, sample.cut) == size] for size in sizes]
    points = {
        name: [(median(s.tokens for s in same), median(s.seconds[name] for s in same)) for same in steps]
        for name in PHASES
    }
    found = {name: line(points[name], tokens) for name in PHASES}
    return {**found, "scoring": times * points["scoring"][-1][1], "the rest": points["the rest"][-1][1]}


def line(points: Sequence[tuple[float, float]], x: float) -> float:
    """The value at `x` on the line through the last point and the last one well before it; in proportion if none is.

    >>> line([(10, 2.0), (20, 3.0)], 40), line([(19, 2.9), (20, 3.0)], 40), line([(10, 9.0), (20, 3.0)], 40)
    (5.0, 6.0, 3.0)
    """
    last, value = points[-1]
    before = [point for point in points if point[0] <= APART * last]
    if x == last or not last:
        return value
    if not before:
        return value * x / last
    return value + max(0.0, (value - before[-1][1]) / (last - before[-1][0])) * (x - last)


def evaluation_count(settings: Settings) -> int:
    """Evaluations of a whole run: before the first step, after the last, and every so many steps between."""
    steps, every = settings.training.steps, settings.evaluation.every
    return 2 + ((steps - 1) // every if every else 0)


def note(settings: Settings, samples: Sequence[Sample]) -> str:
    """What was measured, and what was not."""
    last, rollouts = samples[-1], settings.rollouts
    shape = f"{last.problems} × {rollouts.rollouts} rollouts"
    if (last.problems, last.cut) == (rollouts.problems, rollouts.max_tokens):
        whole = sum(sample.cut == last.cut for sample in samples)
        return f"{whole} whole step{'s' if whole > 1 else ''} of {shape}; answers grow or shrink as the model learns"
    told = [f"a step of {shape} with answers cut at {last.cut} tokens"]
    if last.unfinished:
        told.append(f"the {last.unfinished:.0f} that were cut are taken to end as often per token as others did before")
    if last.problems < rollouts.problems:
        told.append(f"counted up to {rollouts.problems} problems")
    return "; ".join([*told, "rounds that filters or a controller ask for come on top"])
