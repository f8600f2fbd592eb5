"""Evaluations on demand: kept checkpoints and the base on held-out problems, several completions each.

The first completion of every problem is the one that the trainer's own evaluation of that step draws.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.analysis.evaluate import Estimate, Tally, estimate, gain, passes
from workbench.analysis.support import Support, answer_entropy, support
from workbench.analysis.vote import ballot, rank_weights
from workbench.kinds import Exam, Pruner
from workbench.runs.checkpoints.available import BASE
from workbench.runs.checkpoints.snapshot import Snapshot, snapshot
from workbench.runs.directory.paths import write_json
from workbench.runs.directory.record import write_evaluation
from workbench.runs.open import Run, open_run
from workbench.runs.process.build import examined
from workbench.training.evaluation import EVALUATION_STEP, ask
from workbench.training.watching.scored import scored_share
from workbench.types import Group, Rollout

FILE = "eval-{}step-{:06d}.json"  # the exam's name and a dash before the step; nothing for the run's own problems
SAMPLES = "samples-{}step-{:06d}.parquet"


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


@dataclass(frozen=True)
class Result:
    """The scored completions of the model as of a step, counted."""

    step: int
    temperature: float
    tallies: tuple[Tally, ...]
    passes: dict[int, Estimate]  # by k
    votes: dict[int, Estimate]  # by k, of the majority of k > 1 answers; empty where no reward extracts answers
    weighted: dict[int, Estimate]  # the same, each answer weighed by how good it looks to the run's pruner
    unweighted: str  # why there are no weighted votes; empty where there are
    length: float  # mean tokens of a completion
    truncated: float  # share of completions that reached max_tokens
    unscored: float  # share of completions that no reward could score; they count as incorrect
    entropy: float | None = None  # mean entropy of a problem's answers, in nats; None where no reward extracts them
    exam: str = ""  # its name; empty: the run's own held-out problems
    measures: dict[str, Estimate] = dataclasses.field(default_factory=dict)  # the exam's own
    gains: dict[int, Estimate] = dataclasses.field(default_factory=dict)  # of pass@k over the base
    support: Support | None = None  # problems gained and lost against the base

    def document(self) -> dict[str, Any]:
        """Plain data."""
        support = None if self.support is None else self.support.document()
        tallies = [[tally.correct, tally.graded] for tally in self.tallies]
        return {**asdict(self), "tallies": tallies, "support": support}


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
        if base and found:
            gains = {tries: gain(result.tallies, found[0].tallies, tries) for tries in settings.tries}
            change = support(result.tallies, found[0].tallies)
            result = dataclasses.replace(result, gains=gains, support=change)
        if settings.exam is not None:
            measures = {name: estimate(values) for name, values in settings.exam.measures(groups, before).items()}
            result = dataclasses.replace(result, exam=settings.exam.name, measures=measures)
        before = groups if base and before is None else before
        keep(opened, groups, result)
        found.append(result)
    return found


def keep(run: Run, groups: Sequence[Group], result: Result) -> None:
    """Writes a result, and the store of samples that further analyses read."""
    folder, name = run.directory.evaluations, f"{result.exam}-" if result.exam else ""
    write_json(folder / FILE.format(name, result.step), result.document())
    rows = [(group.problem, rollout) for group in groups for rollout in group.rollouts]
    columns: dict[str, Sequence[Any]] = {
        "step": [result.step] * len(rows),
        "problem": [problem.key for problem, _ in rows],
        "family": [str(problem.data.get("family", "")) for problem, _ in rows],
        "sample": [place for group in groups for place in range(len(group.rollouts))],
        "extracted": [answer_of(rollout) for _, rollout in rows],
        "correct": [rollout.outcome for _, rollout in rows],
        "reward": [rollout.reward for _, rollout in rows],
        "length": [float(len(rollout.tokens)) for _, rollout in rows],
    }
    write_evaluation(folder / SAMPLES.format(name, result.step), columns)


def answer_of(rollout: Rollout) -> str:
    """The answer that the first reward that could extracted."""
    return next((part.extracted for part in rollout.parts.values() if part.extracted), "")


def examine(now: Snapshot, settings: EvaluationSettings) -> tuple[list[Group], Result]:
    """The completions of one model on the held-out problems or an exam's, scored; and what is counted of them."""
    own = now.trainer.settings.evaluation.temperature
    temperature = own if settings.temperature is None else settings.temperature
    if temperature == 0 and settings.tries[-1] > 1:
        raise ValueError(
            f"temperature = 0: all {settings.tries[-1]} answers would be alike; set it above 0, or ask for k = 1"
        )
    asked = answers(now, settings, temperature)
    groups = [group.rollouts for group in asked]
    tallies = tuple(tally(group) for group in groups)
    rollouts = [rollout for group in groups for rollout in group]
    scores, why = appraised(now, rollouts)
    known = [list(map(answer_of, group)) for group in groups]
    return asked, Result(
        step=now.step,
        temperature=temperature,
        tallies=tallies,
        passes={tries: passes(tallies, tries) for tries in settings.tries},
        votes=votes(groups, settings.tries, None),
        weighted={} if scores is None else votes(groups, settings.tries, scores),
        unweighted=why,
        length=sum(len(rollout.tokens) for rollout in rollouts) / len(rollouts),
        truncated=sum(rollout.finish == "length" for rollout in rollouts) / len(rollouts),
        unscored=1 - scored_share(rollouts),
        entropy=sum(map(answer_entropy, known)) / len(known) if any(map(any, known)) else None,
    )


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
        return ask(parts, settings.problems, samples, plain).groups


def tally(group: Sequence[Rollout]) -> Tally:
    """The correct answers to a problem; unscored ones count as incorrect."""
    outcomes = [rollout.outcome for rollout in group if not math.isnan(rollout.outcome)]
    return Tally(int(sum(outcomes)), len(outcomes))


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


def votes(
    groups: Sequence[Sequence[Rollout]], tries: Sequence[int], scores: Sequence[float] | None
) -> dict[int, Estimate]:
    """How often the vote of the first k answers is right, by what the first reward that can extracts of them.

    `scores`, of all rollouts, group after group, weigh votes by their rank; None: every answer weighs the same.
    """
    scored = ((name, part) for group in groups for rollout in group for name, part in rollout.parts.items())
    name = next((name for name, part in scored if part.extracted), None)
    if name is None:
        return {}
    given = iter(scores) if scores is not None else itertools.repeat(0.0)
    known = [[next(given) for _ in group] for group in groups]
    found: dict[int, Estimate] = {}
    for count in (count for count in tries if count > 1):
        ballots = [
            ballot(group[:count], name, dict(enumerate(own[:count]))) for group, own in zip(groups, known, strict=True)
        ]
        cast = [one for one in ballots if one.answers]
        found[count] = estimate(
            [float(one.right(None if scores is None else rank_weights(one.scores))) for one in cast]
        )
    return found
