"""SCRL: a chain of subproblems is solved in one completion; a part is compared with the same part of the others.

Left out: making the chains of subproblems: the data has to bring them.
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
from workbench.types import Batch, Encoder, Group, PerToken, Request, Rollout, State

TAG = "chain"
PART = re.compile(r"<part(?P<number>\d+)>(?P<inside>.*?)</part(?P=number)>", re.DOTALL)
WORDING = (
    "Solve these parts in order. Write each between <part1> and </part1>, <part2> and </part2>, and so on, and end it"
    " with its answer behind 'answer:'.\n{parts}"
)


@dataclass(frozen=True)
class AskChain(Controller):
    """Asks each problem also as a chain of subproblems, in a group of its own. arXiv:2605.22074.

    `problem.data[parts]` is a list of {"question": …, "answer": …}, from easy to the problem itself. The tokens of
    part j get `span` j, and the last of them a `token_reward` of 1 where its answer is correct. The chain's rollouts
    come beside the ordinary ones; for the paper's halves set half the rollouts.
    """

    parts: Annotated[str, Field(description="the column of the data that holds the subproblems")] = "parts"
    marker: Annotated[str, Field(min_length=1, description="what stands before a part's answer")] = "answer:"
    wording: Annotated[str, Field(description="how the chain is asked")] = WORDING

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data without which it does nothing."""
        return (self.parts,)

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return 2 * problems * rollouts

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number == 0:
            wanted = [group for group in round.groups if group.problem.data.get(self.parts)]
            return Orders([self.ask(group, round) for group in wanted], state=state)
        for group in round.groups:
            for rollout in group.rollouts:
                if rollout.request.tag == TAG:
                    self.divide(rollout, round.encoder)
        return Orders(state=state)

    def ask(self, group: Group, round: Round) -> Request:
        """The order for the chain of a problem."""
        problem = group.problem
        questions = (f"{place}. {part['question']}" for place, part in enumerate(problem.data[self.parts], start=1))
        prompt = round.encoder.prompt(self.wording.format(parts="\n".join(questions)))
        count = len(group.rollouts)
        return round.request(problem=problem, prompt=prompt, group=round.new_group(), n=count, tag=TAG)

    def divide(self, rollout: Rollout, encoder: Encoder) -> None:
        """Writes the parts of a rollout and their rewards into its extras."""
        parts: Sequence[Mapping[str, str]] = rollout.request.problem.data[self.parts]
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
