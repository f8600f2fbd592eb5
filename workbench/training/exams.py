"""Exams while a run trains: before the first step, every so many steps, and at the end.

The same random numbers every time, and those of `workbench eval`: the exam of step N, taken again on the checkpoint of
step N, has the same result.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workbench.analysis.evaluate import Tally
from workbench.analysis.results import count, measured, metrics_of, over, sample_columns
from workbench.sections import ExamPart
from workbench.training.evaluation import EVALUATION_STEP, ask
from workbench.training.sampling import Clock, Parts
from workbench.training.step import Step
from workbench.types import Sampling, State

EXAMS = "exams"  # among the trainer's states: how the model before training did


@dataclass(frozen=True)
class TakenExam:
    """An exam of the config, and the run's parts with its task and its reward."""

    part: ExamPart
    parts: Parts


@dataclass
class Exams:
    """The exams of a run. `sampling`: how tokens are sampled at (key of the random numbers, temperature)."""

    taken: Sequence[TakenExam]
    states: dict[str, State]
    sampling: Callable[[int, float], Sampling]
    temperature: float  # of the run's evaluations

    def due(self, step: Step, *, last: bool) -> list[TakenExam]:
        """The exams of a step that it does not have yet."""
        return [
            exam
            for exam in self.taken
            if exam.part.key not in step.exams
            and (last or step.number == 0 or (exam.part.every and step.number % exam.part.every == 0))
        ]

    def take(self, step: Step, clock: Clock, *, last: bool) -> Step:
        """The step with the results of the exams that are due: `exam.NAME.pass@k`, and the exam's own measures."""
        for exam in self.due(step, last=last):
            with clock.phase("exams"):
                step = self.with_result(step, exam)
        return step

    def with_result(self, step: Step, exam: TakenExam) -> Step:
        """The step with the result of one exam; that of step 0 is what later ones are compared with."""
        part, tries = exam.part, exam.part.counted
        temperature = self.temperature if part.temperature is None else part.temperature
        plain = dataclasses.replace(self.sampling(EVALUATION_STEP, temperature), top_p=1.0, top_k=0)
        asked = ask(exam.parts, part.problems, tries[-1], plain, part.exam)
        result = count(asked.groups, tries, step=step.number, temperature=temperature)
        kept = self.states.setdefault(EXAMS, {})
        before = [Tally(*counts) for counts in kept[part.key]] if part.key in kept else None
        if step.number == 0:
            kept[part.key] = [[tally.correct, tally.graded] for tally in result.tallies]
        elif before is not None:
            result = over(result, before)
        result = measured(result, part.exam, asked.groups, before, part.key)
        found = (result.document(), sample_columns(asked.groups, step.number))
        metrics = {f"exam.{part.key}.{name}": value for name, value in metrics_of(result).items()}
        return dataclasses.replace(
            step,
            metrics={**step.metrics, **metrics},
            exams={**step.exams, part.key: found},
            events=[*step.events, *asked.events],
        )
