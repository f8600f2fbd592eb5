"""MQR: every question comes again in three harder wordings with the same answer, and DGPO trains on all of them.

By rule (`mqr`), or written by the policy itself (`mqr_model`). Left out: a strong model as the writer; the authors'
code shows no check of what was written, so that the one here is ours.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Past, Round, Synthesis
from workbench.method import derive
from workbench.methods.dgpo import METHODS as DGPO
from workbench.pieces.sampler import WithStock
from workbench.pieces.texts import of_role, written_problem
from workbench.types import Group, Problem, Request, Rollout, State
from workbench.types.memory import Stock

SOURCE = "reformulated"
WRITE, TRY = "reformulate", "variant"  # roles
ASPECTS = {
    "background": "Wrap the question in a story that does not matter.",
    "term": "Define a new mathematical term, and ask the question with it.",
    "part": "Replace a number of the question by a small problem whose answer is that number.",
}
STORIES = (
    "It rained all morning, and the market opened late.",
    "A ship with three masts lay in the harbour.",
    "The old clock in the hall had stopped again.",
    "The people of the village remembered no warmer spring.",
)
TERMS = ("dovel", "quorn", "tamber", "lissom")
NUMBER = re.compile(r"(?<![\w.,:/])\d{1,9}(?![\w:/]|[.,]\d)")
WORDING = "{question}\n{aspect} Keep the answer the same. Write it between <problem> and </problem>."

Draw = Callable[[int], float]  # a number in [0, 1) for every whole number


def background(question: str, draw: Draw) -> str:
    """The question after a sentence that has nothing to do with it."""
    return f"{STORIES[int(draw(0) * len(STORIES))]} {question}"


def term(question: str, draw: Draw) -> str:
    """The question with a number replaced by a word that is defined before; "" without a number.

    >>> term("What is 3 + 14?", lambda place: 0.6)
    'A tamber is the number 14. What is 3 + (one tamber)?'
    """
    found = number_in(question, draw)
    if found is None:
        return ""
    word = TERMS[int(draw(1) * len(TERMS))]
    return f"A {word} is the number {found[0]}. {question[: found.start()]}(one {word}){question[found.end() :]}"


def part(question: str, draw: Draw) -> str:
    """The question with a number replaced by a sum or a difference of that value; "" without a number.

    >>> part("What is 3 + 14?", lambda place: 0.6)
    'What is 3 + (23 - 9)?'
    """
    found = number_in(question, draw)
    if found is None:
        return ""
    value = int(found[0])
    other = 1 + int(draw(1) * max(1, value))
    pieces = f"({value - other} + {other})" if draw(2) < 0.5 and other <= value else f"({value + other} - {other})"
    return question[: found.start()] + pieces + question[found.end() :]


def number_in(question: str, draw: Draw) -> re.Match[str] | None:
    """One of the whole numbers of a text."""
    found = list(NUMBER.finditer(question))
    return found[int(draw(0) * len(found))] if found else None


RULES: dict[str, Callable[[str, Draw], str]] = {"background": background, "term": term, "part": part}


def key_of(problem: Problem, aspect: str) -> str:
    """The key of a reformulation: that of its question, and the aspect."""
    return f"{problem.key}/{aspect}"


def originals(groups: Sequence[Group], stock: Stock) -> list[Problem]:
    """The questions of a step that were not reformulated yet, each once."""
    found = {group.problem.key: group.problem for group in groups if group.rollouts and is_original(group)}
    return [each for each in found.values() if not any(key_of(each, aspect) in stock for aspect in ASPECTS)]


def is_original(group: Group) -> bool:
    """Whether a group solves a question that is no reformulation itself."""
    return not group.rollouts[0].request.role and group.problem.source != SOURCE


@dataclass(frozen=True)
class ReformulateByRule(Synthesis):
    """Three wordings of every question that a step asked, with its answer. arXiv:2601.20614, multi-aspect.

    A story before it, a word defined for one of its numbers, or a sum or difference in place of one. A question without
    a whole number has the story alone.
    """

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        made = []
        for place, problem in enumerate(originals(past.groups, past.stock)):
            for number, (aspect, rule) in enumerate(RULES.items()):
                first = 100 * (3 * place + number)
                text = rule(problem.prompt, lambda index, first=first: past.uniform(first + index))  # type: ignore[misc]
                if text:
                    made.append(Problem(key_of(problem, aspect), text, problem.answer, source=SOURCE))
        return made, state


@dataclass(frozen=True)
class AskReformulations(Controller):
    """Has the policy write three wordings of every question, and tries each of them. arXiv:2601.20614, multi-aspect.

    Neither is trained. A wording is tried `tries` times; the synthesis keeps those for which the question's answer was
    found at least once, which is no proof that the answer is right.
    """

    tries: Annotated[int, Field(ge=1, description="rollouts of a wording, to check it")] = 4  # guess
    longest: Annotated[int, Field(ge=1, description="characters of a wording")] = 2000
    wording: Annotated[str, Field(description="how one is asked for")] = WORDING

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * (rollouts + len(ASPECTS) * (1 + self.tries))

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number == 0:
            known = originals(round.groups, round.stock)
            requests = [self.write(each, aspect, round) for each in known for aspect in ASPECTS]
        elif round.number == 1:
            written = [each for each in of_role(round.groups, WRITE) if written_problem(each, self.longest)]
            requests = [self.solving(each, round) for each in written]
        else:
            requests = []
        return Orders(requests, state=state)

    def write(self, problem: Problem, aspect: str, round: Round) -> Request:
        """The request for a wording."""
        text = self.wording.replace("{question}", problem.prompt).replace("{aspect}", ASPECTS[aspect])
        return round.request(
            problem=Problem(key_of(problem, aspect), text, problem.answer),
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            role=WRITE,
            late=True,
            train=False,
        )

    def solving(self, rollout: Rollout, round: Round) -> Request:
        """The request to solve a wording."""
        known, text = rollout.request.problem, written_problem(rollout, self.longest)
        return round.request(
            problem=Problem(known.key, text, known.answer, source=SOURCE),
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            n=self.tries,
            role=TRY,
            train=False,
            parent=rollout.key,
        )


@dataclass(frozen=True)
class KeepReformulations(Synthesis):
    """Puts the wordings into the stock for which the question's answer was found."""

    least: Annotated[float, Field(gt=0, le=1, description="share of the tries that find it")] = 0.25

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        tried = [group for group in past.groups if group.rollouts and group.rollouts[0].request.role == TRY]
        return [group.problem for group in tried if group.accuracy >= self.least], state


BY_RULE = derive(
    DGPO["dgpo"],
    title="MathForge: DGPO with MQR by rule",
    paper="arXiv:2601.20614",
    equation=r"\mathcal D'=\bigcup_{(q,a)}\{(q,a),(q_b,a),(q_t,a),(q_s,a)\},\quad"
    r"\mathcal L_{DGPO}\text{ over }\mathcal D'",
    changes="as DGPO; every question also comes with a story around it, with a word defined for a number, and with a"
    " small problem in place of a number",
    sampler=WithStock(source=SOURCE, share=0.75),
    synthesis=ReformulateByRule(),
)

METHODS = {
    "mqr": BY_RULE,
    "mqr_model": derive(
        BY_RULE,
        title="MathForge: DGPO with MQR by the policy",
        paper="arXiv:2601.20614",
        equation=r"\mathcal D'=\mathcal D\cup\{(\hat q,a):\hat q\sim\pi(\cdot|q,\text{aspect}),"
        r"\ \tfrac1n\sum_j[a_j=a]\ge\tfrac14\}",
        changes="as DGPO; the policy writes three harder wordings of every question, and those in which the answer is"
        " found at times are asked as well",
        controller=AskReformulations(),
        synthesis=KeepReformulations(),
    ),
}
