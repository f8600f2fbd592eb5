"""Grades a reward on an exam's ready-made solutions, without a run and without a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.analysis.results import Result, count, measured
from workbench.kinds import Exam
from workbench.rewards.scoring import score_group
from workbench.training.evaluation import give
from workbench.types import Group, Request

BUDGET = 1_000_000  # tokens of a completion: none is cut off


@dataclass(frozen=True)
class Bytes:
    """An encoder for texts that no model reads: a token is a byte."""

    stop: tuple[int, ...] = ()

    def prompt(self, text: str) -> tuple[int, ...]:
        """A prompt's bytes."""
        return tuple(text.encode("utf-8", "replace"))

    answer = prompt

    def text(self, tokens: Sequence[int]) -> str:
        """The text of a completion."""
        return bytes(tokens).decode("utf-8", "replace")

    shown = text


def grade_reward(exam: Exam, problems: int) -> Result:
    """The measures of a reward over the exam's first problems; `Result.step` is 0.

    ValueError where the exam's data are not in order, it has fewer problems, it examines a model, or its reward
    reads one.
    """
    wrong = [*exam.task.check(), *exam.reward.check()]
    size = None if wrong else exam.task.size("test")
    if size is not None and problems > size:
        wrong.append(f"problems = {problems}: it has {size} test problems; ask for at most {size}")
    if exam.reward.asks:
        wrong.append(f"reward {exam.reward.name!r} reads a model: take it with `workbench eval RUN --exam`")
    if not wrong and exam.given(exam.task.problem(0, "test")) is None:
        wrong.append("it examines a model, not a reward: take it with `workbench eval RUN --exam`")
    if wrong:
        raise ValueError(f"exam {exam.name}: {'; '.join(wrong)}")
    groups, encoder = [], Bytes()
    for number in range(problems):
        problem = exam.task.problem(number, "test")
        group = Group(number, problem, [])
        give(exam, Request(problem, encoder.prompt(problem.prompt), number, number), encoder, group.rollouts)
        score_group([(exam.reward.name, exam.reward, 1.0)], (), group, None, BUDGET)
        groups.append(group)
    return measured(count(groups, (), step=0, temperature=0.0), exam, groups, None, exam.name)
