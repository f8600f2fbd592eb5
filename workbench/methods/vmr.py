"""VMR: an open question becomes one with a verifiable answer, by asking which of two completions is better."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Past, Synthesis
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.sampler import WithStock
from workbench.types import Group, Problem, Rollout, State

SOURCE = "choice"
WORDING = (
    "{question}\n\nWhich of these two answers is better?\n\nA:\n{first}\n\nB:\n{second}\n\n"
    "Give the letter of the better answer behind 'answer:'."
)


@dataclass(frozen=True)
class PairsAsChoices(Synthesis):
    """Two choices of every group: its best and its worst completion, once in either order. arXiv:2511.02463.

    Best and worst by reward, which may be a grader's; a group whose rewards differ by less than `margin` makes none. A
    constant letter earns exactly half. Completions longer than `longest` characters make none. The choices have the
    source `choice`: score them with `exact`, as in the reward `by_source`, and the open questions with another one. The
    paper takes pairs of preference data, as the task `choices` does.
    """

    margin: Annotated[float, Field(ge=0, description="least difference of the two rewards")] = 0.5
    longest: Annotated[int, Field(ge=1, description="most characters of a completion")] = 4_000

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        made = []
        for group in past.groups:
            pair = self.pair(group)
            if pair is not None:
                made += choices(group.problem, pair, past.step)
        return made, state

    def pair(self, group: Group) -> tuple[str, str] | None:
        """The better and the worse completion of a group that answers a question; None where there is no such pair."""
        if group.problem.source == SOURCE:
            return None
        open_ = [each for each in group.rollouts if self.fits(each)]
        if len(open_) < 2:
            return None
        best, worst = max(open_, key=lambda each: each.reward), min(open_, key=lambda each: each.reward)
        if best.reward - worst.reward < self.margin or best.text.strip() == worst.text.strip():
            return None
        return best.text.strip(), worst.text.strip()

    def fits(self, rollout: Rollout) -> bool:
        """Whether a rollout may stand in a choice."""
        whole = rollout.finish == "stop" and bool(rollout.text.strip()) and len(rollout.text) <= self.longest
        return whole and not rollout.request.role and not math.isnan(rollout.reward)


def choices(problem: Problem, pair: Sequence[str], step: int) -> list[Problem]:
    """The two problems of a pair, the better completion first in one and second in the other."""
    better, worse = pair
    found = []
    for letter, first, second in (("A", better, worse), ("B", worse, better)):
        prompt = WORDING.format(question=problem.prompt.strip(), first=first, second=second)
        key = f"{problem.key}/choice-{step}-{letter}"
        found.append(Problem(key, prompt, letter, {"family": problem.key, "letter": letter}, SOURCE))
    return found


METHODS = {
    "vmr": derive(
        GRPO,
        title="VMR",
        paper="arXiv:2511.02463",
        equation=r"R_i=\mathbb 1[\mathrm{pick}_i=k]\ \text{ on choices between two completions, shuffled};\quad"
        r"\mathcal L_{GRPO}",
        changes="of every group the best and the worst completion become a question with a verifiable answer, in both"
        " orders, which later steps ask beside the open questions",
        regularisers=(),
        sampler=WithStock(source=SOURCE),
        synthesis=PairsAsChoices(),
    )
}
