"""Python programs as an environment: read here, run in the sandbox. After Absolute Zero's own (arXiv:2505.03335).

Left out of the authors': functions of several arguments, which are one tuple here; complexity and edit distance as
further rewards.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.environments.reading.code import Code, code_of, held_out, skeleton
from workbench.environments.reading.wording import NAMES, SOLVE, proposer
from workbench.kinds import Environment, Proposal
from workbench.problems.programs.asking import KINDS, known_kind
from workbench.sandbox.jobs import Job, Limits, Outcome
from workbench.sandbox.pool import shared
from workbench.sandbox.probe import why_not
from workbench.sandbox.values import read, written
from workbench.types import Problem

MEBIBYTE = 2**20
#: One-line programs from which the stock is seeded, with an input each.
FIRST: tuple[tuple[str, str, str], ...] = (
    ("def f(x):\n    return x", "'Hello world'", "'Hello world'"),
    ("def f(x):\n    return sorted(x)", "[3, 1, 2]", "[1, 2, 3]"),
    ("def f(x):\n    return x * 2 + 1", "4", "9"),
    ("def f(x):\n    return [v for v in x if v > 2]", "[5, 1, 3]", "[5, 3]"),
)


@dataclass(frozen=True)
class PythonPrograms(Environment):
    """Functions `f(x)` in any Python: predict the output, find an input, write the function.

    A proposal is a closed block of Python and one of an input; of `write`, several blocks of inputs for a function that
    was shown, and one of a message. It is checked in this order: its form, one function f of one argument, no banned
    name, it runs on every input, two runs under different hash seeds agree, and its values are short enough to print.
    Comments and spelling make no other problem. Grade it with the reward `by_running`, `executor = "sandboxed"`.
    """

    shown: Annotated[int, Field(ge=1, le=16, description="references that a proposer of programs is shown (K)")] = 6
    inputs: Annotated[int, Field(ge=2, le=20, description="of a proposal of write; half of them are shown")] = 10
    seconds: Annotated[float, Field(ge=0.05, le=60, description="processor time of a proposal")] = 2.0  # paper: 10
    memory: Annotated[int, Field(ge=64, le=16384, description="MiB of address space of a proposal")] = 256
    longest_value: Annotated[int, Field(ge=16, le=4000, description="characters of an input or output")] = 400
    longest_program: Annotated[int, Field(ge=50, le=10_000, description="characters of a program")] = 2000
    workers: Annotated[int, Field(ge=2, le=64, description="programs that run at a time")] = 2
    banned: Annotated[tuple[str, ...], Field(description="names that a program may not use or import")] = NAMES
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def check(self) -> list[str]:
        return [why_not()] if why_not() else []

    @property
    def kinds(self) -> tuple[str, ...]:
        return KINDS

    def references(self, kind: str) -> tuple[tuple[str, ...], int]:
        return (("predict", "find"), 1) if kind == "write" else ((kind,), self.shown)

    def first(self, kind: str) -> list[Problem]:
        return [self.problem(kind, Code(program, (given,)), [result]) for program, given, result in FIRST]

    def ask(self, kind: str, references: Sequence[Problem], key: str) -> Problem:
        shown = [(each.data["program"], *each.data["pairs"][0]) for each in references]
        program = shown[0][0] if kind == "write" else ""
        text = proposer(kind, shown, self.inputs, self.banned)
        return Problem(key, text, "", {"kind": kind, "program": program}, source=kind)

    def read(self, proposals: Sequence[tuple[Problem, str]]) -> list[Proposal]:
        found = [self.static(asked, text) for asked, text in proposals]
        jobs = [self.job(code) for code in found if isinstance(code, Code)]
        outcomes = iter(shared(self.workers).run(jobs) if jobs else ())
        return [
            self.ran(asked.source, code, next(outcomes)) if isinstance(code, Code) else Proposal(reason=code)
            for (asked, _), code in zip(proposals, found, strict=True)
        ]

    def static(self, asked: Problem, text: str) -> Code | str:
        """What a proposal holds, or why it is none: everything that is told without running it."""
        count = self.inputs if asked.source == "write" else 1
        code = code_of(text, asked.data["program"], count, self.think_end)
        if isinstance(code, str):
            return code
        return next(self.faults(code), "") or code

    def faults(self, code: Code) -> Iterator[str]:
        """What is wrong with a program and its inputs."""
        if len(code.program) > self.longest_program:
            yield f"the program has {len(code.program)} characters, at most {self.longest_program}"
        yield from code.faults(self.banned)
        for given in code.inputs:
            if len(given) > self.longest_value:
                yield f"an input has {len(given)} characters, at most {self.longest_value}"
            try:
                read(given)
            except ValueError as error:
                yield f"an input: {error}"
        if len({written(read(given)) for given in code.inputs}) < len(code.inputs):
            yield "the same input stands there twice"

    def job(self, code: Code) -> Job:
        """A program and its inputs, to be run under two hash seeds."""
        calls = tuple(written((read(given),)) for given in code.inputs)
        return Job(code.program, calls, limits=Limits(self.seconds, self.memory * MEBIBYTE), twice=True)

    def ran(self, kind: str, code: Code, outcome: Outcome) -> Proposal:
        """What came of running a proposal."""
        own = "" if kind == "write" else skeleton(code.program)
        if not outcome.scored:
            return Proposal(reason=f"unscored: {outcome.reason}", blameless=True)
        if outcome.status != "finished":
            return Proposal(reason=f"{outcome.status}: {outcome.reason}", skeleton=own)
        results = [each.value for each in outcome.results]
        error = next((each.error for each in outcome.results if each.value is None), "")
        values = [value for value in results if value is not None]
        if error or len(values) != len(code.inputs):
            return Proposal(reason=f"it raises {error}", skeleton=own)
        if (longest := max(map(len, values))) > self.longest_value:
            reason = f"an output has {longest} characters to print, at most {self.longest_value}"
            return Proposal(reason=reason, skeleton=own)
        if kind == "write" and len(set(values[: self.inputs // 2])) == 1:
            return Proposal(reason="the shown outputs are all the same")
        if held_out(known_kind(kind), code, values):
            return Proposal(reason="the problem belongs to the test split of small_programs", blameless=True)
        return Proposal(self.problem(kind, code, values), skeleton=own)

    def problem(self, kind: str, code: Code, results: Sequence[str]) -> Problem:
        """The problem that a program with inputs poses; the key is of what is asked, whatever the spelling."""
        pairs = [[written(read(given)), result] for given, result in zip(code.inputs, results, strict=True)]
        asked: Any = {"predict": pairs[0][0], "find": pairs[0][1], "write": pairs}[kind]
        key = f"{kind}-{hashlib.sha256(f'{kind} {code.plain} {asked}'.encode()).hexdigest()[:12]}"
        visible = pairs[: max(1, len(pairs) // 2)]
        text = SOLVE[kind].format(
            block=f"```python\n{code.program}\n```",
            given=pairs[0][0],
            result=pairs[0][1],
            pairs="\n".join(f"f({given}) = {result}" for given, result in visible),
            message=f"\n\nWhat is known of it: {code.message}" if code.message else "",
        )
        answer = {"predict": pairs[0][1], "find": pairs[0][0], "write": code.program}[kind]
        data = {"kind": kind, "program": code.program, "pairs": pairs, "lines": code.program.count("\n") + 1}
        return Problem(key, text, answer, data, source=kind)
