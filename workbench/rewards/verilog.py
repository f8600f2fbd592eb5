"""CodeV-R1's reward: hardware that behaves as the reference does, in simulation. (arXiv:2505.24183)"""

import json
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.code.text import program_of
from workbench.rewards.code.verilog import Bench, expected, missing, module_of, simulated, testbench
from workbench.sandbox.jobs import Limits
from workbench.sandbox.probe import why_not
from workbench.types import Problem, Rollout, Score, Scorer

NAN = float("nan")
TAGS = ("<think>", "</think>", "<answer>", "</answer>")
LANGUAGES = ("verilog", "systemverilog", "v", "sv", "")
LARGEST = 16 * 2**20  # bytes that a simulation prints
Lines = tuple[str, ...]


@dataclass(frozen=True)
class Verilog(Reward):
    """1 where the module in a completion gives the outputs of the reference on random inputs, else 0 (CodeV-R1).

    The module is the last closed code block. The reference is the problem's answer: Verilog, or a JSON list of several
    of which one has to agree. Both are simulated by Icarus Verilog in the sandbox, apart from each other, with the same
    inputs (sequences of steps, random resets of either polarity, clocks driven), and compared here bit by bit, unknown
    and unconnected bits as such (`===`). With `tags` each of `<think></think><answer></answer>` must be there once, in
    order. Left out: several clocks, and the authors' fixed seed, which can be fitted; here it depends on the problem.
    """

    sequences: Annotated[int, Field(ge=2, le=1000, description="sequences of steps, each beginning with a reset")] = 10
    steps: Annotated[int, Field(ge=4, le=10_000, description="steps of a sequence")] = 100
    tags: Annotated[bool, Field(description="each of the four tags once and in order, or 0")] = False
    seconds: Annotated[float, Field(ge=1, le=600, description="processor time of compiler and of simulation")] = 20.0
    workers: Annotated[int, Field(ge=1, le=64, description="modules that are simulated at a time")] = 2
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def check(self) -> list[str]:
        return [text for text in (missing(), why_not()) if text]

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        try:
            bench, wanted = self.prepared(problem)
        except ValueError as error:
            return [Score(NAN, f"unscored: {error}")] * len(rollouts)
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(lambda rollout: self.score(rollout.text, bench, wanted), rollouts))

    def prepared(self, problem: Problem) -> tuple[str, list[Lines]]:
        """The testbench of a problem, and what each of its references prints. Raises ValueError."""
        references = references_of(problem.answer)
        seed = zlib.crc32(problem.key.encode()) % 2**31
        bench = testbench(*module_of(references[0]), Bench(self.sequences, self.steps, seed))
        return bench, [expected(each, bench, self.limits) for each in references]

    @property
    def limits(self) -> Limits:
        """What compiler and simulation may each use up."""
        return Limits(self.seconds, 2**30, LARGEST)

    def score(self, text: str, bench: str, wanted: Sequence[Lines]) -> Score:
        """The score of one completion."""
        if self.tags and not tagged(text):
            return Score(0.0, "not each of <think></think><answer></answer> once and in order", False)
        found = program_of(text, self.think_end, LANGUAGES)
        if found.missing:
            return Score(0.0, found.missing, False)
        ran = simulated(found.text, bench, self.limits)
        if ran.late:
            return Score(NAN, "unscored: the machine gave the simulation no time")
        lines = tuple(ran.output.splitlines())
        if not ran.code and lines in wanted:
            return Score(1.0, f"all {len(lines)} outputs are those of the reference", True)
        return Score(0.0, difference(lines, wanted[0]), False)


def references_of(text: str) -> list[str]:
    """One reference or several."""
    try:
        found = json.loads(text)
    except ValueError:
        return [text]
    if not isinstance(found, list) or not found or not all(isinstance(each, str) for each in found):
        raise ValueError("the answer is neither Verilog nor a list of Verilog sources")
    return found


def tagged(text: str) -> bool:
    """Whether each tag is there once, in order."""
    places = [text.find(tag) for tag in TAGS]
    return all(text.count(tag) == 1 for tag in TAGS) and places == sorted(places)


def difference(lines: Lines, wanted: Lines) -> str:
    """The first output at which two simulations differ."""
    pairs = enumerate(zip_longest(lines, wanted))
    step, (got, expected_line) = next(((n, pair) for n, pair in pairs if pair[0] != pair[1]), (0, ("", "")))
    return f"output {step}: {str(got)[:80]!r}, expected {str(expected_line)[:80]!r}"
