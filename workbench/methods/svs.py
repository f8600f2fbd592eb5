"""SvS: the policy rewrites half-solved problems, solves what it wrote, and is trained on both and on the originals.

Left out: the authors' several extraction patterns: a rewriting is what stands between two marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Filter, Orders, Past, Round, Synthesis, Verdict
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.texts import CLOSE, OPEN, between_marks, of_role, plain
from workbench.types import Group, Problem, Request, Rollout, Score, State

REWRITE, VARIANT = "rewrite", "variant"
PART = "varied"  # of the reward: what a rewriting is worth
WORDING = "{question}\n{solution}\nWrite another problem with the same answer, between <problem> and </problem>."


@dataclass(frozen=True)
class Vary(Controller):
    """Rewrites, solves, and scores the rewriting. arXiv:2508.14029.

    Every correct rollout of a problem that is solved in `low` to `high` of its rollouts is shown to the policy, which
    writes `rewritings` further problems; each is solved `solutions` times against the same answer. A rewriting's reward
    comes late: 1 where its rate of success is from `least` to `most`, 0 else, also without marks, and for a copy of
    what was shown, which would be solved as often as the original.
    """

    low: Annotated[float, Field(ge=0, le=1, description="accuracy from which a problem is rewritten")] = 0.125
    high: Annotated[float, Field(ge=0, le=1, description="accuracy up to which")] = 0.5
    least: Annotated[float, Field(ge=0, le=1, description="rate of success from which a rewriting is rewarded")] = 0.125
    most: Annotated[float, Field(ge=0, le=1, description="rate up to which: above, it gives the answer away")] = 0.625
    rewritings: Annotated[int, Field(ge=1, description="for every correct rollout")] = 8
    solutions: Annotated[int, Field(ge=1, description="rollouts of every rewriting")] = 8
    longest: Annotated[int, Field(ge=1, description="characters of a rewriting")] = 2000  # ours: prompts are bounded
    wording: Annotated[str, Field(description="how a rewriting is asked for")] = WORDING

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        right = problems * int(self.high * rollouts)
        return problems * rollouts + right * self.rewritings * (1 + self.solutions)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number == 0:
            chosen = [group for group in round.groups if self.low <= group.accuracy <= self.high]
            right = [each for group in chosen for each in group.rollouts if each.correct == 1]
            return Orders([self.rewrite(each, round) for each in right], state=state)
        rewritten = of_role(round.groups, REWRITE)
        requests = [self.solve(each, round) for each in rewritten if round.number == 1 and self.problem_of(each)]
        asked = {request.parent for request in requests}
        rates = {group.rollouts[0].request.parent: group.accuracy for group in round.groups}
        scores = {each.key: {PART: self.worth(rates.get(each.key))} for each in rewritten if each.key not in asked}
        return Orders(requests, scores=scores, state=state)

    def rewrite(self, rollout: Rollout, round: Round) -> Request:
        """The request to rewrite a problem, with a correct solution."""
        known = rollout.request.problem
        text = self.wording.replace("{question}", known.prompt).replace("{solution}", rollout.text)
        key = "-".join(map(str, ("rewrite", round.step, *rollout.key)))
        return round.request(
            problem=Problem(key, text, known.answer),
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            n=self.rewritings,
            role=REWRITE,
            late=True,
            parent=rollout.key,
        )

    def solve(self, rollout: Rollout, round: Round) -> Request:
        """The request to solve a rewriting."""
        text, known = self.problem_of(rollout), rollout.request.problem
        return round.request(
            problem=Problem(f"{known.key}-{rollout.index}", text, known.answer),
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            n=self.solutions,
            role=VARIANT,
            parent=rollout.key,
        )

    def problem_of(self, rollout: Rollout) -> str:
        """The problem that a rewriting holds; empty where there is none, or only a copy of what was shown."""
        text = between_marks(rollout.text)
        copied = plain(text) in plain(rollout.request.problem.prompt)
        return text if len(text) <= self.longest and not copied else ""

    def worth(self, rate: float | None) -> Score:
        """The score of a rewriting that was solved at this rate; None: it could not be asked."""
        if rate is None:
            return Score(0.0, f"no problem of its own between {OPEN} and {CLOSE}")
        return Score(float(self.least <= rate <= self.most), f"solved {rate:.0%} of the time")


@dataclass(frozen=True)
class Informative(Filter):
    """Trains on groups solved at times, and on rewritings of which one was worth something. arXiv:2508.14029."""

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        return ["keep" if self.keeps(group) else "drop" for group in groups]

    def keeps(self, group: Group) -> bool:
        """Whether a group is trained on."""
        if group.rollouts and group.rollouts[0].request.role == REWRITE:
            return any(rollout.reward > 0 for rollout in group.rollouts)
        return 0 < group.accuracy < 1


@dataclass(frozen=True)
class KeepVariants(Synthesis):
    """Puts rewritings that were worth something into the run's stock, for samplers that pick from it."""

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        good = {each.key for each in of_role(past.groups, REWRITE) if each.reward > 0}
        variants = [group.rollouts[0].request for group in past.groups if group.rollouts]
        made = [each.problem for each in variants if each.role == VARIANT and each.parent in good]
        return [Problem(each.key, each.prompt, each.answer, source=VARIANT) for each in made], state


METHODS = {
    "svs": derive(
        GRPO,
        title="SvS",
        paper="arXiv:2508.14029",
        equation=r"R(\hat x)=[\tfrac18\le\tfrac1n\sum_jR(y_j|\hat x)\le\tfrac58],\quad\hat x\sim\pi(\cdot|x,y^+),\quad"
        r"\mathcal L_{GRPO}\text{ over }x,\ \hat x\text{ and their solutions}",
        changes="problems solved at most half of the time are rewritten by the policy with the same answer; rewritings"
        " are solved, and rewarded where that is neither always nor never possible",
        regularisers=(),
        filters=(Informative(),),
        controller=Vary(),
        synthesis=KeepVariants(),
    )
}
