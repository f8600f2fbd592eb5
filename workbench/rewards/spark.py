"""SPARK: a grader verifies every step of a completion several times, without a reference answer."""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.rewards.judged import GRADED, quoted
from workbench.types import Asked, Bench, Encoder, Fact, Problem, Question, Reply, Rollout, Say, Score, UnansweredError
from workbench.types.reasoning import STANDARD, reaching, written

GRADE = re.compile(r"^\s*(step\s+(\d{1,4})|final)\s*:\s*(correct|incorrect)\s*\.?\s*$", re.IGNORECASE | re.MULTILINE)
Reviewed = Generator[Sequence[Question], Sequence[Reply], list[Reply]]
MOST = 200  # steps of a completion; one with more has no layout
LAYOUT = (
    "Write one line for every step, 'Step N: correct' or 'Step N: incorrect', and last 'Final: correct' or "
    "'Final: incorrect' for the final answer."
)
REVIEW, MERGE = "Which of its grades are mistaken, and why?", "Write the corrected verification."


@dataclass(frozen=True)
class Grades:
    """What one verification says: of every step, and of the final answer."""

    steps: tuple[bool, ...]
    final: bool


@dataclass(frozen=True)
class Spark(Reward):
    """v · y, or v · (0.4 k/n + 0.6 y), or v · k/n. SPARK, arXiv:2512.03244, section 3.3.

    A grader verifies a completion `votes` times; y and every step's grade are the majority of more than half, k of n
    steps are correct. Steps are parted by blank lines, or by lines where there is none. v: the answer's marker stands
    once, on the last line: an easier problem solved behind the answer earns nothing. With `critique` the grader
    criticises its verification and writes a merged one (meta-critique). A verification in another layout counts as
    none; a rollout without any is unscored. `share` invites many trivial steps: watch their number. Per token the grade
    of its step is written as `step_correct`, per rollout v · k/n as `step_share`: for the method `spark`.
    """

    facts: ClassVar[tuple[Fact, ...]] = (
        Fact("step_correct", "token", label="step correct", help="1 where a grader took the token's step for correct."),
        Fact("step_share", label="share of correct steps", help="Correct steps over all; 0 without the layout."),
    )

    of: Annotated[str, Field(min_length=1, description="who verifies: a member of the cast, or policy")] = "judge"
    votes: Annotated[int, Field(ge=1, le=64, description="verifications of a completion")] = 1  # the paper's data: 16
    form: Annotated[
        Literal["process", "augmented", "share"], Field(description="final grade, both, or steps alone")
    ] = "process"
    share: Annotated[float, Field(ge=0, le=1, description="weight of the steps in `augmented`")] = 0.4
    critique: Annotated[bool, Field(description="criticise each verification, and merge")] = False
    marker: Annotated[str, Field(min_length=1, description="what stands before the answer")] = STANDARD
    max_tokens: Annotated[int, Field(ge=8, description="of a verification")] = 512
    temperature: Annotated[float, Field(ge=0, le=10, description="of the verifications, where there are several")] = 1.0

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({self.of})

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        bench = bench_of(scorer, self.name)
        asked = [(rollout, steps) for rollout in rollouts if (steps := steps_of(rollout.text)) and len(steps) <= MOST]
        texts = [task(problem, steps) for _, steps in asked]
        keys = [rollout.key for rollout, _ in asked]
        said = yield self.questions([(text, key) for text, key in zip(texts, keys, strict=True)])
        if self.critique:
            said = yield from self.criticised(texts, keys, said)
        found = {
            rollout.key: self.majority(said[place * self.votes : (place + 1) * self.votes], len(steps))
            for place, (rollout, steps) in enumerate(asked)
        }
        return [self.score(rollout, found.get(rollout.key), bench.encoder) for rollout in rollouts]

    def questions(self, asked: Sequence[tuple[str, tuple[int, int]]]) -> list[Say]:
        """Every text as often as there are votes."""
        warm = self.temperature if self.votes > 1 else 0.0
        return [
            Say(text, self.of, self.max_tokens, warm, vote, key) for text, key in asked for vote in range(self.votes)
        ]

    def criticised(self, texts: Sequence[str], keys: Sequence[tuple[int, int]], said: Sequence[Reply]) -> Reviewed:
        """Verifications after their critique: two further questions each; what has no reply stays without one."""
        own = [place // self.votes for place in range(len(said))]
        drafts = [
            f"{texts[each]}\nA verification:\n{quoted(reply.said or '')}" for each, reply in zip(own, said, strict=True)
        ]

        def questions(asked: Sequence[str]) -> list[Say]:
            return [
                Say(text, self.of, self.max_tokens, 0.0, place % self.votes, keys[own[place]])
                for place, text in enumerate(asked)
            ]

        critiques = yield questions([f"{draft}\n\n{REVIEW}" for draft in drafts])
        merged = yield questions(
            [
                f"{draft}\n\nA critique of it:\n{quoted(reply.said or '')}\n\n{MERGE} {LAYOUT}"
                for draft, reply in zip(drafts, critiques, strict=True)
            ]
        )
        return [reply if not draft.fault else draft for reply, draft in zip(merged, said, strict=True)]

    def majority(self, replies: Sequence[Reply], steps: int) -> Grades:
        """The majority of what was said; raises `UnansweredError` where no verification has the layout."""
        read = [grades for reply in replies if not reply.fault and (grades := grades_of(reply.text, steps))]
        if not read:
            why = next(
                (reply.fault for reply in replies if reply.fault), "no verification grades every step and the end"
            )
            raise UnansweredError(f"{self.of}: {why}")
        each = tuple(sum(grades.steps[step] for grades in read) * 2 > len(read) for step in range(steps))
        return Grades(each, sum(grades.final for grades in read) * 2 > len(read))

    def score(self, rollout: Rollout, grades: Grades | None, encoder: Encoder) -> Score:
        """The score of a rollout from its grades, None: it has no steps; the facts are written on it."""
        rollout.extras["step_correct"], rollout.extras["step_share"] = [0.0] * len(rollout.tokens), 0.0
        if grades is None:
            return Score(0.0, f"no steps, or more than {MOST}", False)
        valid = ends_with_answer(rollout.text, self.marker)
        share = valid * sum(grades.steps) / len(grades.steps)
        rollout.extras["step_share"] = share
        rollout.extras["step_correct"] = per_token(rollout, grades.steps, encoder)
        value = {
            "process": valid * float(grades.final),
            "augmented": self.share * share + (1 - self.share) * valid * grades.final,
            "share": share,
        }[self.form]
        marks = " ".join("✓" if correct else "✗" for correct in grades.steps)
        layout = "" if valid else f"; {self.marker!r} does not stand once, on the last line"
        told = f"steps {marks}, final answer {'correct' if grades.final else 'incorrect'}{layout}"
        return Score(value, told, bool(valid and grades.final))


def steps_of(text: str) -> list[str]:
    """The steps of a completion: parted by blank lines, or by lines where there is none."""
    blocks = [block for block in re.split(r"\n[ \t]*\n", text) if block.strip()]
    return blocks if len(blocks) > 1 else [line for line in text.split("\n") if line.strip()]


def task(problem: Problem, steps: Sequence[str]) -> str:
    """What a grader is asked: every step's lines are marked as the response's."""
    shown = "\n".join(f"Step {number}:\n{quoted(step)}" for number, step in enumerate(steps, start=1))
    return f"{GRADED}\n\nQuestion:\n{quoted(problem.prompt)}\n\nResponse:\n{shown}\n\nVerify every step. {LAYOUT}"


def grades_of(text: str, steps: int) -> Grades | None:
    """The grades in a verification; None unless every step and the end are graded once.

    >>> grades_of("Step 1: correct\\nStep 2: incorrect\\nFinal: incorrect", 2)
    Grades(steps=(True, False), final=False)
    >>> grades_of("Step 1: correct\\nFinal: correct", 2)
    """
    found: dict[int, bool] = {}
    for match in GRADE.finditer(text):
        number = int(match[2]) if match[2] else 0
        if number in found or number > steps or (match[2] and number == 0):
            return None
        found[number] = match[3].lower() == "correct"
    if len(found) != steps + 1:
        return None
    return Grades(tuple(found[number] for number in range(1, steps + 1)), found[0])


def ends_with_answer(text: str, marker: str) -> bool:
    """Whether the marker stands once, and on the last line, with something behind it."""
    last = text.rstrip().rpartition("\n")[2]
    return text.count(marker) == 1 and bool(last.partition(marker)[2].strip())


def per_token(rollout: Rollout, grades: Sequence[bool], encoder: Encoder) -> list[float]:
    """The grade of every token's step; what stands between two steps belongs to the one before it."""
    found = [float(grades[-1])] * len(rollout.tokens)
    tokens = written(rollout.tokens, encoder)
    starts, place = [], 0
    for step in steps_of(rollout.text):
        place = rollout.text.index(step, place)
        starts.append(place)
        place += len(step)
    ends = [reaching(tokens, encoder, start) for start in starts[1:]]
    begin = 0
    for end, grade in zip(ends, grades, strict=False):
        found[begin:end] = [float(grade)] * (end - begin)
        begin = end
    return found
