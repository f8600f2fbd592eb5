"""SwS: new problems are written from the concepts of problems at which the policy is weak, and labelled by agreement.

Left out: the three external models. Concepts are a column of the data or words of the question, the policy writes, and
teacher and student are two samples of it; similarity of concepts by an embedding is left out with them.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Filter, Orders, Past, Round, Synthesis, Verdict
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.sampler import WithStock
from workbench.pieces.texts import answers, of_role, written_problem
from workbench.types import Group, Problem, Request, Rollout, State

SOURCE = "synthesised"
WRITE, TEACH, TRY = "propose", "label", "try"  # roles
WORD = re.compile(r"[^\W\d_]{4,}|[-+*/^=<>]")
COMMON = frozenset("what that this with from have does many much each some then than when they will which".split())  # noqa: SIM905
WORDING = "Write a new problem about {concepts}. Write it between <problem> and </problem>."


def is_weak(rates: Sequence[float], bound: float = 0.5) -> bool:
    """Whether a problem was never solved at this rate or above, and its rate falls (least squares). arXiv:2506.08989.

    >>> is_weak([0.3, 0.25, 0.1]), is_weak([0.1, 0.2, 0.4]), is_weak([0.2, 0.6, 0.1]), is_weak([0.1])
    (True, False, False, False)
    """
    middle = (len(rates) - 1) / 2
    return max(rates, default=1.0) < bound and sum((place - middle) * rate for place, rate in enumerate(rates)) < 0


def concepts_of(problem: Problem, column: str) -> list[str]:
    """The concepts of a problem: those the data give, or its longer words and its signs, each once.

    >>> concepts_of(Problem("p", "How many apples: 3 + 4 apples?", "7"), "concepts")
    ['apples', '+']
    """
    given = problem.data.get(column)
    found = [str(each) for each in given] if given else WORD.findall(problem.prompt.casefold())
    return [each for each in dict.fromkeys(found) if each not in COMMON]


def shares(failures: Mapping[str, float]) -> dict[str, float]:
    """What part of the budget each category gets: its rate of failure as a share of all."""
    total = sum(failures.values())
    return {name: rate / total if total else 0.0 for name, rate in failures.items()}


def softmax(scores: Sequence[float], temperature: float) -> list[float]:
    """Probabilities by scores.

    >>> [round(each, 4) for each in softmax([1.2, 0.8, 0.4], 0.2)]
    [0.8668, 0.1173, 0.0159]
    """
    top = max(scores)
    weights = [math.exp((score - top) / temperature) for score in scores]
    return [weight / sum(weights) for weight in weights]


def drawn(names: Sequence[str], weights: Sequence[float], number: float) -> str:
    """The name at a number in [0, 1), each as likely as its weight."""
    left = number * sum(weights)
    for name, weight in zip(names, weights, strict=True):
        left -= weight
        if left < 0:
            return name
    return names[-1]


@dataclass(frozen=True)
class FromWeakness(Controller):
    """Writes problems about concepts of weak problems, and asks for their answers twice. arXiv:2506.08989.

    Weak is a problem that was never solved in half of its rollouts and is solved less and less, by the ledger. Its
    concepts are counted by category, the problem's source. A category gets a share of the proposals by its rate of
    failure; a set of concepts begins with a frequent one, the next are drawn by exp(shared occurrences / temperature),
    as a share of the most. What is written is answered by a teacher's and a student's sample, and none of it trained.
    """

    proposals: Annotated[int, Field(ge=1, description="problems written in a step")] = 4  # ours
    concepts: Annotated[int, Field(ge=1, description="of a new problem, at most")] = 5  # the paper
    temperature: Annotated[float, Field(gt=0, description="of the draw of further concepts")] = 0.2  # the paper
    samples: Annotated[int, Field(ge=2, description="answers of the teacher, and of the student")] = 8  # the paper
    column: Annotated[str, Field(description="the column of the data that holds a list of concepts")] = "concepts"
    longest: Annotated[int, Field(ge=1, description="characters of a new problem")] = 2000
    wording: Annotated[str, Field(description="how one is asked for")] = WORDING

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * rollouts + self.proposals * (1 + 2 * self.samples)

    def init(self) -> State:
        return {"failed": {}, "asked": {}, "counts": {}, "pairs": {}}

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number == 0:
            state = self.diagnosed(state, round)
            return Orders(self.proposed(state, round), state=state)
        written = (
            [each for each in of_role(round.groups, WRITE) if written_problem(each, self.longest)]
            if round.number == 1
            else []
        )
        return Orders([self.answer(each, role, round) for each in written for role in (TEACH, TRY)], state=state)

    def diagnosed(self, state: State, round: Round) -> State:
        """The state with this step's failures by category, and the concepts of its weak problems."""
        new: dict[str, Counter[str]] = {name: Counter(found) for name, found in state.items()}
        for group in round.groups:
            if group.accuracy != group.accuracy:
                continue
            category = group.problem.source or "all"
            new["failed"][category] += sum(each.outcome == 0 for each in group.rollouts)
            new["asked"][category] += len(group.rollouts)
            visits = [each.rate for each in round.ledger.visits(group.problem.key) if each.attempts]
            if is_weak([*visits, group.accuracy]):
                found = sorted(concepts_of(group.problem, self.column))
                new["counts"].update(f"{category}\t{each}" for each in found)
                new["pairs"].update(f"{one}\t{two}" for one in found for two in found if one != two)
        return {name: dict(found) for name, found in new.items()}

    def proposed(self, state: State, round: Round) -> list[Request]:
        """The requests for new problems, by the categories' rates of failure; none while nothing is weak."""
        counts: dict[str, dict[str, float]] = {}
        for name, count in state["counts"].items():
            category, _, concept = name.partition("\t")
            counts.setdefault(category, {})[concept] = count
        rates = {name: state["failed"].get(name, 0) / state["asked"][name] for name in counts}
        parts = shares(rates)
        if not any(parts.values()):
            return []
        found = []
        for place in range(self.proposals):
            first = 1000 * (place + 1)
            category = drawn(list(parts), list(parts.values()), round.uniform(first))
            chosen = self.set_of(counts[category], state["pairs"], round, first)
            found.append(self.write(place, chosen, round))
        return found

    def set_of(self, counts: Mapping[str, float], pairs: Mapping[str, int], round: Round, first: int) -> list[str]:
        """The concepts of a new problem."""
        chosen = [drawn(list(counts), list(counts.values()), round.uniform(first + 1))]
        while len(chosen) < min(self.concepts, len(counts)):
            rest = [each for each in counts if each not in chosen]
            together = [sum(pairs.get(f"{one}\t{each}", 0) for one in chosen) for each in rest]
            scores = [count / max(1, *together) if len(together) > 1 else 1.0 for count in together]
            number = round.uniform(first + 1 + len(chosen))
            chosen.append(drawn(rest, softmax(scores, self.temperature), number))
        return chosen

    def write(self, place: int, chosen: Sequence[str], round: Round) -> Request:
        """The request for a new problem."""
        text = self.wording.replace("{concepts}", ", ".join(chosen))
        return round.request(
            problem=Problem(f"sws-{round.step}-{place}", text, "unknown"),
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            role=WRITE,
            late=True,
            train=False,
        )

    def answer(self, rollout: Rollout, role: str, round: Round) -> Request:
        """The request for answers to a new problem."""
        text = written_problem(rollout, self.longest)
        return round.request(
            problem=Problem(rollout.request.problem.key, text, "unknown", source=SOURCE),
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            n=self.samples,
            role=role,
            train=False,
            parent=rollout.key,
        )


@dataclass(frozen=True)
class KeepAgreed(Synthesis):
    """Puts new problems into the stock whose answer teacher and student agree on, but not always. arXiv:2506.08989.

    The label is the teacher's most frequent answer, if it is more than `teacher` of all its answers and from `low` to
    `high` of the student's. A majority can be wrong: no reference is read.
    """

    teacher: Annotated[float, Field(ge=0, le=1, description="share above which an answer is a label")] = 0.5
    low: Annotated[float, Field(gt=0, le=1, description="least share of it among the student's answers")] = 0.25
    high: Annotated[float, Field(gt=0, le=1, description="largest share of it: above, the problem is easy")] = 0.75

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        sides: dict[str, dict[str, list[Rollout]]] = {TEACH: {}, TRY: {}}
        for role, found in sides.items():
            for rollout in of_role(past.groups, role):
                found.setdefault(rollout.request.problem.key, []).append(rollout)
        made = []
        for key, taught in sides[TEACH].items():
            label = self.label(answers(taught), answers(sides[TRY].get(key, ())))
            if label:
                made.append(Problem(key, taught[0].request.problem.prompt, label, source=SOURCE))
        return made, state

    def label(self, taught: Sequence[str], tried: Sequence[str]) -> str:
        """The label that two lists of answers agree on; empty where there is none. "" is no answer.

        >>> KeepAgreed().label(list("77712"), list("7778")), KeepAgreed().label(list("77712"), list("7777"))
        ('7', '')
        """
        ((best, count),) = Counter(each for each in taught if each).most_common(1) or [("", 0)]
        share = sum(each == best for each in tried) / max(1, len(tried))
        return best if count > self.teacher * len(taught) and self.low <= share <= self.high else ""


@dataclass(frozen=True)
class AccuracyBetween(Filter):
    """Trains on groups whose accuracy lies between two bounds. arXiv:2506.08989."""

    low: Annotated[float, Field(ge=0, le=1, description="least accuracy")] = 0.125  # the paper
    high: Annotated[float, Field(ge=0, le=1, description="largest accuracy")] = 0.875  # the paper

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        return ["keep" if self.low <= group.accuracy <= self.high else "drop" for group in groups]


METHODS = {
    "sws": derive(
        GRPO,
        title="SwS",
        paper="arXiv:2506.08989",
        equation=r"F(x)=[\max_ta_t(x)<\tfrac12\wedge\mathrm{slope}_t(a)<0],"
        r"\quad\hat x\sim\pi(\cdot|\text{concepts of }F),\quad\hat y=\mathrm{mode}",
        changes="problems that are seldom solved and ever more seldom lend their concepts to new problems, which the"
        " policy writes and which are trained where two samples of it agree on an answer",
        regularisers=(),
        filters=(AccuracyBetween(),),
        sampler=WithStock(source=SOURCE),
        controller=FromWeakness(),
        synthesis=KeepAgreed(),
    )
}
