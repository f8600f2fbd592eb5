"""Evaluations on demand: kept checkpoints and the base on held-out problems, several completions each.

The first completion of every problem is the one that the trainer's own evaluation of that step draws.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.analysis.results import Result, count, measured, over, sample_columns, votes
from workbench.kinds import Exam, Pruner
from workbench.runs.checkpoints.available import BASE
from workbench.runs.checkpoints.snapshot import Snapshot, snapshot
from workbench.runs.directory.record import write_result
from workbench.runs.open import Run, open_run
from workbench.runs.process.build import examined
from workbench.training.evaluation import EVALUATION_STEP, ask
from workbench.types import Group, Rollout


@dataclass(frozen=True)
class EvaluationSettings:
    """The first so many held-out problems, and pass@k for each k of `tries`, from max(k) completions a problem."""

    problems: int = 256
    tries: tuple[int, ...] = (1, 4, 16)
    temperature: float | None = None  # None: that of the run's evaluations
    exam: Exam | None = None  # whose problems are asked instead of the run's own

    def __post_init__(self) -> None:
        if self.problems < 1 or not self.tries or min(self.tries) < 1:
            raise ValueError(f"problems = {self.problems}, k = {self.tries}: give numbers of 1 or more")
        object.__setattr__(self, "tries", tuple(sorted(set(self.tries))))


def evaluate(
    run: Run | str | Path,
    steps: Sequence[int | None] = (None,),
    settings: EvaluationSettings = EvaluationSettings(),
    *,
    base: bool = True,
    device: str | None = None,
    begun: Callable[[int], None] = lambda step: None,
) -> list[Result]:
    """Evaluates kept checkpoints (None: the last one), with `base` the model before training first.

    With an exam its problems are asked instead of the run's own. Each result is written to evaluations/ of the run as
    eval-step-N.json, and every completion's grade to samples-step-N.parquet (with the exam's name before the step).
    `begun` is called with each step before it is evaluated. ValueError for a step without checkpoint.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    found, before = list[Result](), None
    wanted = [BASE, *(step for step in steps if step != BASE)] if base else list(steps)
    for step in wanted:
        now = snapshot(opened, step, device=device)
        begun(now.step)
        groups, result = examine(now, settings)
        if before is not None:
            result = over(result, before)
        if settings.exam is not None:
            result = measured(result, settings.exam, groups, before, settings.exam.name)
        before = result.tallies if base and before is None else before
        write_result(opened.directory, result.exam, result.step, result.document(), sample_columns(groups, result.step))
        found.append(result)
    return found


def examine(now: Snapshot, settings: EvaluationSettings) -> tuple[list[Group], Result]:
    """The completions of one model on the held-out problems or an exam's, scored; and what is counted of them."""
    own = now.trainer.settings.evaluation.temperature
    temperature = own if settings.temperature is None else settings.temperature
    if temperature == 0 and settings.tries[-1] > 1:
        raise ValueError(
            f"temperature = 0: all {settings.tries[-1]} answers would be alike; set it above 0, or ask for k = 1"
        )
    asked = answers(now, settings, temperature)
    scores, why = appraised(now, [rollout for group in asked for rollout in group.rollouts])
    result = count(asked, settings.tries, step=now.step, temperature=temperature)
    weighted = {} if scores is None else votes([group.rollouts for group in asked], settings.tries, scores)
    return asked, dataclasses.replace(result, weighted=weighted, unweighted=why)


def answers(now: Snapshot, settings: EvaluationSettings, temperature: float) -> list[Group]:
    """As many scored completions of every problem as the largest k."""
    parts, samples = now.trainer.parts, settings.tries[-1]
    exam = settings.exam
    if exam is not None:
        wrong = exam.task.check()
        if wrong:
            raise ValueError(f"exam {exam.name}: {'; '.join(wrong)}")
        parts = examined(parts, exam, now.trainer.settings.rollouts.max_tokens)
    size = parts.task.size("test")
    if size is not None and settings.problems > size:
        raise ValueError(
            f"problems = {settings.problems}: the task has {size} held-out problems; ask for at most {size}"
        )
    plain = dataclasses.replace(now.trainer.sampling(EVALUATION_STEP, temperature), top_p=1.0, top_k=0)
    with now.asking():
        return ask(parts, settings.problems, samples, plain, exam).groups


def appraised(now: Snapshot, rollouts: Sequence[Rollout]) -> tuple[list[float] | None, str]:
    """How good the rollouts look to the run's pruner; None with the reason where it cannot tell."""
    table = now.run.resolved.get("pruning")
    if table is None:
        return None, "the run prunes nothing"
    pruner = Pruner.parse(table).fitted(now.trainer.settings.rollouts.max_tokens)
    try:
        with now.asking():
            return pruner.appraise(now.states.get("pruner", {}), now.trainer.policy, rollouts), ""
    except ValueError as error:
        return None, str(error)
