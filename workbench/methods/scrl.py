"""SCRL: a chain of subproblems is solved in one completion; a part is compared with the same part of the others.

The data bring the subproblems, or they are the calculations of a reference solution. Left out: a model as their writer.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage, Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.ops import group_centre, group_std, masked_sum
from workbench.pieces.advantage import GroupZ
from workbench.pieces.reduction import TokenMean
from workbench.types import Batch, Encoder, Group, PerToken, Problem, Request, Rollout, State

TAG = "chain"
PART = re.compile(r"<part(?P<number>\d+)>(?P<inside>.*?)</part(?P=number)>", re.DOTALL)
SIGNS = "+-*/×÷"
MARKED = re.compile(r"<<([^<>]*)>>")
CALCULATION = re.compile(r"((?:[\d(][\d.,()\s+*/×÷-]{0,80})?[\d)])\s*=\s*\$?(-?\d+(?:\.\d+)?)")
WORDING = (
    "Solve these parts in order. Write each between <part1> and </part1>, <part2> and </part2>, and so on, and end it"
    " with its answer behind 'answer:'.\n{parts}"
)


@dataclass(frozen=True)
class AskChain(Controller):
    """Asks each problem also as a chain of subproblems, in a group of its own. arXiv:2605.22074.

    `problem.data[parts]` is a list of {"question": …, "answer": …}, from easy to the problem itself; without it the
    parts are the last calculations of the reference solution `problem.data[chain]`, and the problem. The tokens of
    part j get `span` j, and the last of them a `token_reward` of 1 where its answer is correct. The chain's rollouts
    come beside the ordinary ones; for the paper's halves set half the rollouts.
    """

    parts: Annotated[str, Field(description="the column of the data that holds the subproblems")] = "parts"
    chain: Annotated[str, Field(description="the column that holds a solution with calculations")] = "solution"
    most: Annotated[int, Field(ge=2, description="parts of a chain from a solution (K)")] = 4  # the paper
    marker: Annotated[str, Field(min_length=1, description="what stands before a part's answer")] = "answer:"
    wording: Annotated[str, Field(description="how the chain is asked")] = WORDING

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data without which it does nothing."""
        return (f"{self.parts}|{self.chain}",)

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return 2 * problems * rollouts

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number == 0:
            wanted = [group for group in round.groups if self.parts_of(group.problem)]
            return Orders([self.ask(group, round) for group in wanted], state=state)
        for group in round.groups:
            for rollout in group.rollouts:
                if rollout.request.tag == TAG:
                    self.divide(rollout, round.encoder)
        return Orders(state=state)

    def parts_of(self, problem: Problem) -> Sequence[Mapping[str, str]]:
        """The subproblems; empty where the data bring neither them nor a solution with calculations."""
        given: Sequence[Mapping[str, str]] | None = problem.data.get(self.parts)
        return given or from_solution(problem, str(problem.data.get(self.chain) or ""), self.most)

    def ask(self, group: Group, round: Round) -> Request:
        """The order for the chain of a problem."""
        problem = group.problem
        questions = (f"{place}. {part['question']}" for place, part in enumerate(self.parts_of(problem), start=1))
        prompt = round.encoder.prompt(self.wording.format(parts="\n".join(questions)))
        count = len(group.rollouts)
        return round.request(problem=problem, prompt=prompt, group=round.new_group(), n=count, tag=TAG)

    def divide(self, rollout: Rollout, encoder: Encoder) -> None:
        """Writes the parts of a rollout and their rewards into its extras."""
        parts = self.parts_of(rollout.request.problem)
        span, reward = [-1.0] * len(rollout.tokens), [0.0] * len(rollout.tokens)
        text = encoder.text(rollout.tokens)
        for found in PART.finditer(text):
            place = int(found["number"]) - 1
            if not 0 <= place < len(parts) or place in span:
                continue
            first, last = (token_at(rollout.tokens, offset, encoder) for offset in found.span())
            if first < last:
                span[first:last] = [float(place)] * (last - first)
                given = found["inside"].rpartition(self.marker)[2]
                reward[last - 1] = float(plain(given) == plain(parts[place]["answer"]))
        rollout.extras |= {"span": span, "token_reward": reward, "tag": 1.0}


def from_solution(problem: Problem, solution: str, most: int) -> list[dict[str, str]]:
    """The last calculations of a solution as subproblems, then the problem itself; empty without a calculation.

    A calculation whose result is the problem's answer is left out, since it would give the last part away, and so is
    one that was there. GSM8K's marks (`<<48/2=24>>`) come before calculations found in the text.

    >>> from_solution(Problem("p", "In all?", "72"), "Half is 48/2=24. Then 48+24 = 72.", 4)
    [{'question': '48/2 =', 'answer': '24'}, {'question': 'In all?', 'answer': '72'}]
    """
    marked = " ; ".join(MARKED.findall(solution))
    found: dict[str, str] = {}
    for left, result in CALCULATION.findall(marked or solution):
        question = " ".join(left.split())
        if any(sign in question.lstrip("-+") for sign in SIGNS) and plain(result) != plain(problem.answer):
            found.setdefault(f"{question} =", result)
    parts = [{"question": question, "answer": result} for question, result in found.items()][1 - most :]
    return [*parts, {"question": problem.prompt, "answer": problem.answer}] if parts else []


def token_at(tokens: Sequence[int], offset: int, encoder: Encoder) -> int:
    """How many tokens hold the first `offset` characters, found in the tokens as they were generated."""
    return bisect_left(range(len(tokens)), offset, key=lambda count: len(encoder.text(tokens[:count])))


def plain(answer: str) -> str:
    """An answer without case, spaces, and a full stop at its end.

    >>> plain(" 4 2. "), plain("Blue")
    ('42', 'blue')
    """
    return "".join(str(answer).casefold().split()).rstrip(".")


@dataclass(frozen=True)
class PartZ(Advantage):
    """Each part of a chain, standardised over the same part of the group's other chains. arXiv:2605.22074.

    right[i, j] = 1 if parts 0 … j of rollout i are all correct; advantage of a token of part j =
    (right[i, j] - mean(right[:, j])) / std(right[:, j]) over the group's population, 0 where that is 0 and between
    parts. A chain without parts counts as incorrect. Other rollouts have GRPO's advantage.
    """

    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # GRPO's

    def __call__(self, batch: Batch) -> PerToken:
        standard = GroupZ(eps=self.eps)(batch)
        if "span" not in batch:
            return standard
        chain = batch["tag"] > 0.5
        found = torch.zeros_like(standard)
        right = torch.where(chain & batch.scored, 1.0, torch.nan).to(standard.dtype)
        for place in range(int(batch["span"].max()) + 1):
            tokens = batch.mask & (batch["span"] == place)
            right = right * masked_sum(batch["token_reward"], tokens)
            scale = group_std(right, batch.group, correction=0) + self.eps
            column = group_centre(right, batch.group) / scale
            found = torch.where(tokens, column[:, None], found)
        return torch.where(chain[:, None], found, standard)


METHODS = {
    "scrl": derive(
        GRPO,
        title="SCRL",
        paper="arXiv:2605.22074",
        equation=r"A_{i,t}=\sum_j\frac{R_i^{(j)}-\mu_j}{\sigma_j}\,[t\in\mathrm{span}_j],\quad "
        r"R_i^{(j)}=\prod_{l\le j}r_i^{(l)}",
        changes="each problem is also asked as a chain of subproblems, and each part of a completion is compared with"
        " the same part of the group's other completions",
        advantage=PartZ(),
        reduction=TokenMean(),
        regularisers=(),
        controller=AskChain(),
    )
}
