"""Programs against unit tests, run in the sandbox."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.code.tests import Suite, passes, suite_of, told
from workbench.rewards.code.text import program_of
from workbench.sandbox.jobs import Job, Limits, Outcome
from workbench.sandbox.pool import shared
from workbench.sandbox.probe import why_not
from workbench.types import Problem, Rollout, Score, Scorer

NAN = float("nan")
MEBIBYTE = 2**20


@dataclass(frozen=True)
class UnitTests(Reward):
    """The share of unit tests that the program in a completion passes, or 1 for all and 0 otherwise.

    The program is the last closed code block, or what stands behind `answer:`. Its tests are the problem's reference
    answer, as JSON: `{"inputs": […], "outputs": […], "fn_name": …}` with the arguments of a function, or without
    `fn_name` what is read and printed. It runs in the sandbox (docs/sandbox.md), without which a run does not start;
    the outputs are compared here. Correct is a program that passes all tests. Unscored are problems whose tests cannot
    be read, and programs to which the machine gave no time.
    """

    credit: Annotated[
        Literal["all", "share"], Field(description="all: 1 where every test passes, else 0; share: how many pass")
    ] = "all"
    seconds: Annotated[
        float,
        Field(ge=0.05, le=60, description="processor time: of all calls of a function; of every run that prints"),
    ] = 2.0
    memory: Annotated[int, Field(ge=64, le=16384, description="MiB of address space of a program")] = 256
    tolerance: Annotated[float, Field(ge=0, le=0.1, description="by which floats may differ, relative or absolute")] = (
        1e-6
    )
    twice: Annotated[
        bool, Field(description="also run under another hash seed; a program that differs is incorrect")
    ] = False
    workers: Annotated[int, Field(ge=2, le=64, description="programs that run at a time")] = 2
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def check(self) -> list[str]:
        return [why_not()] if why_not() else []

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        try:
            suite = suite_of(problem.answer)
        except ValueError as error:
            return [Score(NAN, f"unscored: {error}")] * len(rollouts)
        found = [program_of(rollout.text, self.think_end) for rollout in rollouts]
        programs = list(dict.fromkeys(each.text for each in found if not each.missing))
        outcomes = shared(self.workers).run([self.job(program, suite) for program in programs])
        scores = {program: self.score(suite, outcome) for program, outcome in zip(programs, outcomes, strict=True)}
        return [
            Score(0.0, each.missing, correct=False) if each.missing else scores[each.text]
            for each in found
        ]  # fmt: skip

    def job(self, program: str, suite: Suite) -> Job:
        """A program and what the tests ask of it, without what they expect."""
        limits = Limits(self.seconds, self.memory * MEBIBYTE)
        entry = entry_in(program, suite.entry)
        return Job(program, suite.calls, entry, suite.style, limits, self.twice)

    def score(self, suite: Suite, outcome: Outcome) -> Score:
        """The score of an outcome."""
        if not outcome.scored:
            return Score(NAN, f"unscored: {outcome.reason}")
        given = () if outcome.status == "nondeterministic" else outcome.results
        passed = [passes(suite, *pair, self.tolerance) for pair in zip(suite.tests, given, strict=False)]
        share = sum(passed) / len(suite.tests)
        correct = share == 1 and outcome.status == "finished"
        value = share if self.credit == "share" else float(correct)
        padded = [*passed, *[False] * (len(suite.tests) - len(passed))]
        return Score(value, "; ".join(filter(None, [outcome.reason, told(suite, given, padded)])), correct)


def entry_in(program: str, name: str) -> str:
    """What is called: the function, or a method of `Solution` where the program has it in that class.

    >>> entry_in("class Solution:\\n    def add(self): pass", "add"), entry_in("def add(): pass", "add")
    ('Solution.add', 'add')
    """
    plain = re.search(rf"^(?:async )?def {re.escape(name)}\b", program, re.MULTILINE)
    return f"Solution.{name}" if name and not plain and re.search(r"^class Solution\b", program, re.MULTILINE) else name
