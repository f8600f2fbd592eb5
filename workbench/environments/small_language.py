"""The small language as an environment: programs of up to eight lines, run exactly in this process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Environment, Proposal
from workbench.problems.programs.asking import KINDS, Kind, Wording, known_kind, posed, prompt
from workbench.problems.programs.drawing import Drawn
from workbench.problems.programs.proposals import Refusal, parse_proposal, proposal_prompt
from workbench.sandbox.small import parse, skeleton
from workbench.sandbox.values import read, written
from workbench.types import Problem

#: One-line programs from which the stock is seeded, with an input each.
FIRST: tuple[tuple[str, str], ...] = (
    ("def f(x): x = x[::-1]; return x", "[3, 1, 2]"),
    ("def f(x): x = sorted(x); return x", "[4, 0, 7]"),
    ("def f(x): x = [v + 1 for v in x]; return x", "[5, 2]"),
    ("def f(x): x = x % 4; return x", "7"),
)


@dataclass(frozen=True)
class SmallLanguage(Environment):
    """Programs over whole numbers and lists of them: predict the output, find an input, write the program.

    A proposal of `predict` and `find` is a program with an input; of `write`, six inputs for a program that was shown.
    Programs that differ in spelling only are one problem. One in eight is held out, as for the task `small_programs`.
    """

    wording: Annotated[
        Wording, Field(description="short: as the embedded model for programs was taught; spoken: requests in English")
    ] = "short"
    shown: Annotated[int, Field(ge=1, le=16, description="references that a proposer of programs is shown")] = 2

    @property
    def kinds(self) -> tuple[str, ...]:
        return KINDS

    def references(self, kind: str) -> tuple[tuple[str, ...], int]:
        return (("predict", "find"), 1) if kind == "write" else ((kind,), self.shown)

    def first(self, kind: str) -> list[Problem]:
        drawn = [Drawn(program, (read(given),), (parse(program)(read(given)),)) for program, given in FIRST]
        return [self.problem(known_kind(kind), each) for each in drawn]

    def ask(self, kind: str, references: Sequence[Problem], key: str) -> Problem:
        shown = [(each.data["program"], each.data["pairs"][0][0]) for each in references]
        program = shown[0][0] if kind == "write" else ""
        text = proposal_prompt(known_kind(kind), shown, self.wording)
        return Problem(key, text, "", {"kind": kind, "program": program}, source=kind)

    def read(self, proposals: Sequence[tuple[Problem, str]]) -> list[Proposal]:
        return [self.one(asked, text) for asked, text in proposals]

    def one(self, asked: Problem, text: str) -> Proposal:
        """What came of one proposal."""
        kind = known_kind(asked.source)
        found = parse_proposal(kind, text, asked.data["program"])
        if isinstance(found, Refusal):
            return Proposal(reason=found.reason, blameless=found.held_out)
        return Proposal(self.problem(kind, found), skeleton="" if kind == "write" else skeleton(found.program))

    def problem(self, kind: Kind, drawn: Drawn) -> Problem:
        """The problem that a program with its inputs poses; the key is of what is asked, whichever answer is known."""
        text = prompt(kind, drawn) if kind != "write" else "\n".join([drawn.program, *map(written, drawn.inputs)])
        key = f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        return posed(kind, drawn, key, self.wording)
