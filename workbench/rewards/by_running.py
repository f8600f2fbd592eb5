"""Answers about programs, checked by running programs: an output, an input, or a program. (AZR, arXiv:2505.03335)"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.code.text import program_of
from workbench.rewards.grading.ends import Found
from workbench.rewards.grading.find import after_thinking
from workbench.sandbox import exact
from workbench.sandbox.jobs import Executor, Job, Limits, Outcome, refused
from workbench.sandbox.pool import shared
from workbench.sandbox.probe import why_not
from workbench.sandbox.values import read, same, written
from workbench.types import Problem, Rollout, Score, Scorer

NAN = float("nan")
MARKER = re.compile(r"answer:", re.IGNORECASE)
LONGEST = 2_000  # characters of a value
SHOWN = 60  # characters of a value in a reason


@dataclass(frozen=True)
class ByRunning(Reward):
    """1 where the answer holds when it is run, else 0: for the three kinds of `small_programs`.

    `predict`: the value behind the last `answer:` is what the program returns. `find`: the program, given that value,
    returns the output that was asked for. `write`: the program returns the outputs of all pairs, shown and hidden.
    Values are read as literals, never evaluated. `exact` runs programs of the small language in this process;
    `sandboxed` any Python, in the sandbox (docs/sandbox.md), without which a run does not start.
    """

    executor: Annotated[
        Literal["exact", "sandboxed"], Field(description="exact: the small language; sandboxed: any Python")
    ] = "exact"
    seconds: Annotated[float, Field(ge=0.05, le=60, description="processor time of a program, where sandboxed")] = 2.0
    twice: Annotated[
        bool, Field(description="where sandboxed, also under another hash seed; what differs is incorrect")
    ] = False
    workers: Annotated[int, Field(ge=2, le=64, description="programs that run at a time, where sandboxed")] = 2
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def check(self) -> list[str]:
        return [why_not()] if self.executor == "sandboxed" and why_not() else []

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        try:
            asked = Asked.of(problem)
        except ValueError as error:
            return [Score(NAN, f"unscored: {error}")] * len(rollouts)
        found = [self.answer(asked.kind, rollout.text) for rollout in rollouts]
        answers = list(dict.fromkeys(each.text for each in found if not each.missing))
        scores = dict(zip(answers, self.scores(asked, answers), strict=True))
        return [Score(0.0, each.missing, correct=False) if each.missing else scores[each.text] for each in found]

    def answer(self, kind: str, text: str) -> Found:
        """The program or the value in a completion."""
        return program_of(text, self.think_end) if kind == "write" else value_of(text, self.think_end)

    def scores(self, asked: "Asked", answers: Sequence[str]) -> list[Score]:
        """The scores of different answers, all programs run at once."""
        if asked.kind == "predict":
            return [predicted(asked, answer) for answer in answers]
        jobs = [self.job(asked, answer) for answer in answers]
        outcomes = iter(self.executes().run([job for job in jobs if isinstance(job, Job)]))
        found = [next(outcomes) if isinstance(job, Job) else job for job in jobs]
        return [graded(asked, *pair) for pair in zip(answers, found, strict=True)]

    def executes(self) -> Executor:
        """What runs programs."""
        return exact.Exact() if self.executor == "exact" else shared(self.workers)

    def job(self, asked: "Asked", answer: str) -> Job | Outcome:
        """What is run to check an answer; an outcome where it is no value."""
        limits = Limits(self.seconds)
        if asked.kind == "write":
            return Job(answer, tuple(written((given,)) for given, _ in asked.pairs), limits=limits, twice=self.twice)
        try:
            return Job(asked.program, (written((read(answer, LONGEST),)),), limits=limits, twice=self.twice)
        except ValueError as error:
            return refused(str(error))


@dataclass(frozen=True)
class Asked:
    """What a problem asks: its kind, the program, and pairs of input and output."""

    kind: str
    program: str
    pairs: tuple[tuple[Any, Any], ...]

    @classmethod
    def of(cls, problem: Problem) -> "Asked":
        """Reads a problem's data. Raises ValueError where it is none of the three kinds."""
        kind, rows = problem.data.get("kind"), problem.data.get("pairs")
        if kind not in ("predict", "find", "write") or not rows:
            raise ValueError(f"the problem's data name no kind of program task: kind = {kind!r}")
        pairs = tuple((read(given), read(result)) for given, result in rows)
        return cls(kind, str(problem.data.get("program", "")), pairs)


def value_of(text: str, think_end: str) -> Found:
    """The value behind the last `answer:`, to the end of its line."""
    rest = after_thinking(text, think_end, "cut")
    if rest.missing:
        return rest
    markers = list(MARKER.finditer(rest.text))
    line = rest.text[markers[-1].end() :].strip().partition("\n")[0].strip().strip("`*").strip() if markers else ""
    return Found(line, "marker") if line else Found(missing="nothing stands behind 'answer:'")


def predicted(asked: Asked, answer: str) -> Score:
    """The score of an output."""
    _, expected = asked.pairs[0]
    try:
        good = same(expected, read(answer, LONGEST))
    except ValueError as error:
        return Score(0.0, str(error), False, answer[:SHOWN])
    relation = "as expected" if good else f"expected {shown(written(expected))}"
    return Score(float(good), f"read {shown(answer)}, {relation}", good, answer)


def graded(asked: Asked, answer: str, outcome: Outcome) -> Score:
    """The score of an input or a program, from what came of running it."""
    if not outcome.scored:
        return Score(NAN, f"unscored: {outcome.reason}")
    expected = [result for _, result in asked.pairs] if asked.kind == "write" else [asked.pairs[0][1]]
    got = outcome.results if outcome.status == "finished" else ()
    for number, value in enumerate(expected):
        given = written(asked.pairs[number][0]) if asked.kind == "write" else answer
        if number >= len(got):
            return Score(0.0, outcome.reason or "the program did not get so far", False, answer)
        text = got[number].value
        if text is None or not holds(text, value):
            what = got[number].error if text is None else text
            return Score(0.0, f"f({shown(given)}) gave {shown(what)}, not {shown(written(value))}", False, answer)
    return Score(1.0, f"holds for {len(expected)} of {len(expected)} pairs", True, answer)


def holds(text: str, value: Any) -> bool:
    """Whether a returned text is the value."""
    try:
        return same(value, read(text))
    except ValueError:
        return False


def shown(text: str) -> str:
    """A text in a reason."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
