"""RISE: part of every step asks the policy to grade its own fresh solutions, and both are trained together.

Left out: the reward variant that punishes short gradings, which one of the authors' scripts has.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.ppo import METHODS as PPO
from workbench.pieces.shaping import Outcome
from workbench.types import Problem, Request, Rollout, State

ROLE = "check"
WORDING = "{question}\n{solution}\nWhat is this solution worth? Write one number behind 'answer:'."


@dataclass(frozen=True)
class CheckOwn(Controller):
    """Asks what drawn solutions of the step are worth; the reference answer is the reward they got. arXiv:2505.13445.

    Rewards are scored by the same rewards as solutions, in the role `check`. Drawn without replacement, uniformly, or
    with `balanced` half of them among the correct ones as far as there are so many: where 10 % are correct, a grading
    that never looks is right in 90 %.
    """

    solutions: Annotated[int, Field(ge=1, description="solutions graded a step")] = 2  # paper: 128 for 1,024 problems
    gradings: Annotated[int, Field(ge=1, description="rollouts for each of them (K)")] = 8  # the paper
    balanced: Annotated[bool, Field(description="draw as many correct as incorrect solutions")] = False
    wording: Annotated[str, Field(description="how a solution is shown")] = WORDING

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * rollouts + self.solutions * self.gradings

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        return Orders([self.grading(place, each, round) for place, each in enumerate(self.drawn(round))], state=state)

    def drawn(self, round: Round) -> list[Rollout]:
        """The solutions that are graded."""
        known = [each for group in round.groups for each in group.rollouts if each.reward == each.reward]
        places = sorted(range(len(known)), key=round.uniform)
        if self.balanced:
            kinds = [[place for place in places if (known[place].correct == 1) == right] for right in (True, False)]
            half = [min(len(kinds[0]), self.solutions // 2), min(len(kinds[1]), self.solutions - self.solutions // 2)]
            places = [*kinds[0][: self.solutions - half[1]], *kinds[1][: self.solutions - half[0]]]
        return [known[place] for place in places[: self.solutions]]

    def grading(self, place: int, rollout: Rollout, round: Round) -> Request:
        """The request to grade a solution."""
        question = rollout.request.problem.prompt
        text = self.wording.replace("{question}", question).replace("{solution}", rollout.text)
        problem = Problem(f"check {round.step}-{place}", text, f"{rollout.reward:g}")
        return round.request(
            problem=problem,
            prompt=round.encoder.prompt(text),
            group=round.new_group(),
            n=self.gradings,
            role=ROLE,
            parent=rollout.key,
        )


METHODS = {
    "rise": derive(
        PPO["ppo"],
        title="RISE",
        paper="arXiv:2505.13445",
        equation=r"\mathcal L_{PPO}\text{ over }G\cup V,\quad V=\{(\mathcal T(x,y),\,z_k)\}_{k\le K},\quad"
        r" R(z)=r_o(z,\,r_o(y,y^*))",
        changes="the policy also grades some of its own fresh solutions, is rewarded for the grade that the verifier"
        " gave, and both are trained at once",
        shaping=(Outcome(),),
        controller=CheckOwn(),
    )
}
