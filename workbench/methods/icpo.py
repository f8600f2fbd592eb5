"""ICPO: one more rollout is generated after a solved example, and trained on the prompt without it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.off_policy import MixedClip, ProbabilityRatio, mark
from workbench.pieces.regulariser import K3
from workbench.types import Group, Request, Rollout, Score, State

TAG = "shown an example"


@dataclass(frozen=True)
class ShowExample(Controller):
    """Adds rollouts generated after a solved example of another problem. arXiv:2510.26519, section 3.

    Of the step's other problems one with a solution is drawn: `problem.data[solution]`, or else the text of a right
    rollout. The paper draws from a data set. An added rollout stays in the group only if it is correct.
    """

    added: Annotated[int, Field(ge=1, description="rollouts with an example, for every problem")] = 1  # the recipe
    solution: Annotated[str, Field(description="the column of the data that holds a solution")] = "solution"
    wording: Annotated[str, Field(description="how it is shown")] = "{example}\n{solution}\n\n{question}"
    bonus: Annotated[float, Field(ge=0, description="more reward of a correct one; falls to 0 (alpha)")] = 0.0

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * (rollouts + self.added)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            for rollout in added(round.groups):
                mark(rollout)
            return Orders(
                drop=lambda rollout: rollout.request.tag == TAG and rollout.correct != 1,
                scores=self.bonuses(round),
                state=state,
            )
        solved = [(group, text) for group in round.groups if (text := self.worked(group))]
        requests = []
        for number, group in enumerate(round.groups):
            others = [item for item in solved if item[0].problem.key != group.problem.key]
            if others:
                requests.append(self.again(group, *others[int(round.uniform(number) * len(others))], round))
        return Orders(requests, state=state)

    def bonuses(self, round: Round) -> dict[tuple[int, int], dict[str, Score]]:
        """alpha · (1 - t / T) for every correct rollout with an example, a part of its reward."""
        value = self.bonus * (1 - round.step / round.total_steps)
        right = [rollout for rollout in added(round.groups) if rollout.correct == 1]
        score = Score(value, "a correct rollout with an example")
        return {rollout.key: {"expert": score} for rollout in right if value}

    def worked(self, group: Group) -> str:
        """A solution of the group's problem; "" if there is none."""
        right = (rollout.text for rollout in group.rollouts if rollout.correct == 1)
        return str(group.problem.data.get(self.solution) or next(right, ""))

    def again(self, group: Group, other: Group, solution: str, round: Round) -> Request:
        """A rollout of the group with another problem's solution before it."""
        problem = group.problem
        text = self.wording.format(example=other.problem.prompt, solution=solution, question=problem.prompt)
        return round.request(
            problem=problem,
            prompt=round.encoder.prompt(text),
            training_prompt=group.rollouts[0].prompt,
            group=group.number,
            n=self.added,
            tag=TAG,
        )


def added(groups: Sequence[Group]) -> list[Rollout]:
    """The rollouts generated after an example."""
    return [rollout for group in groups for rollout in group.rollouts if rollout.request.tag == TAG]


ICPO = derive(
    GRPO,
    title="ICPO",
    paper="arXiv:2510.26519",
    equation=r"-\frac{\pi(y_t|x)}{\pi(y_t|x)+0.1}A\ \text{ where }y\sim\pi_{old}(\cdot|d,x),\quad"
    r"\mathcal L_{clip}\text{ elsewhere}",
    changes="a rollout generated after a solved example joins the group if it is correct, and is trained on the"
    " prompt without the example",
    ratio=ProbabilityRatio(),  # the authors' code; the text has another ratio and constant
    surrogate=MixedClip(dual=3.0),
    regularisers=(K3(coefficient=0.001),),
    controller=ShowExample(),
)

METHODS = {
    "icpo": ICPO,
    "icpo_bonus": derive(
        ICPO,
        title="ICPO with the expert bonus",
        paper="arXiv:2510.26519, the variant with a reward bonus",
        equation=r"R=1+\alpha\big(1-\tfrac tT\big)\text{ for a correct rollout after an example}",
        changes="as ICPO, and a correct rollout generated after an example has more reward, less so as training"
        " continues",
        controller=ShowExample(bonus=1.0),
    ),
}
