"""PROF: of many completions those are trained on whose steps agree with their outcome."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.types import Group, Rollout, State


@dataclass(frozen=True)
class ProcessConsistency(Controller):
    """Keeps `keep` rollouts of a group: correct ones with the best steps, incorrect ones with the worst.

    arXiv:2509.03403, section 3. The steps' score is the reward part `part`, a mean over steps in a run with weight 0;
    a correct rollout with a single step, or with `most_steps` or more, is ranked lower by `penalty`. Steps are parted
    by blank lines. Correct and incorrect ones are kept as evenly as there are. With `incorrect = "random"` (the
    paper's PROF-Correct) incorrect ones stay by chance. A rollout whose steps have no score goes first.
    """

    part: Annotated[str, Field(min_length=1, description="name of the reward part that scores steps")] = "spark"
    keep: Annotated[int, Field(ge=2, description="rollouts of a problem that are trained on")] = 4
    incorrect: Annotated[Literal["worst", "random"], Field(description="which incorrect rollouts stay")] = "worst"
    penalty: Annotated[float, Field(ge=0, description="λ, of a correct rollout with too few or many steps")] = 1.0
    most_steps: Annotated[int, Field(ge=2, description="from so many steps on it is ranked lower (H_λ)")] = 30

    def __call__(self, state: State, round: Round) -> Orders:
        if not any(self.part in rollout.parts for group in round.groups for rollout in group.rollouts):
            raise ValueError(
                f"controller process_consistency reads the reward part {self.part!r}, and there is none: add a table "
                f'[[rewards]] with reward = "spark", name = "{self.part}" and weight = 0, or set part'
            )
        dropped = {rollout.key for group in round.groups for rollout in self.dropped(group, round)}
        return Orders(drop=lambda rollout: rollout.key in dropped, state=state)

    def dropped(self, group: Group, round: Round) -> list[Rollout]:
        """The rollouts of a group that are not trained on."""
        kinds = [[each for each in group.rollouts if each.outcome == value] for value in (1, 0)]
        right, wrong = kinds
        counts = drops(len(right), len(wrong), self.keep)
        right = sorted(right, key=self.rank)
        if self.incorrect == "random":
            wrong = sorted(wrong, key=lambda each: round.uniform(each.request.number * 10_000 + each.index))
        else:
            wrong = sorted(wrong, key=lambda each: -self.steps(each) if self.known(each) else -math.inf)
        return [*right[: counts[0]], *wrong[: counts[1]]]

    def known(self, rollout: Rollout) -> bool:
        """Whether its steps have a score."""
        part = rollout.parts.get(self.part)
        return part is not None and part.value == part.value

    def steps(self, rollout: Rollout) -> float:
        """The mean score of its steps."""
        return rollout.parts[self.part].value

    def rank(self, rollout: Rollout) -> float:
        """How well the steps of a correct rollout speak for it."""
        if not self.known(rollout):
            return -math.inf
        count = sum(bool(step.strip()) for step in rollout.text.split("\n\n"))
        return self.steps(rollout) - self.penalty * (count <= 1 or count >= self.most_steps)


def drops(right: int, wrong: int, keep: int) -> tuple[int, int]:
    """How many correct and incorrect ones of a group are dropped, so that `keep` stay as evenly as they can.

    >>> drops(5, 3, 4), drops(8, 0, 4), drops(0, 8, 4)
    ((3, 1), (4, 0), (0, 4))
    """
    total = max(0, right + wrong - keep)
    first = max(0, min(total, math.ceil((right - wrong + total) / 2)))
    first = min(max(first, total - wrong), right)
    return first, total - first


METHODS = {
    "prof": derive(
        GRPO,
        title="PROF",
        paper="arXiv:2509.03403",
        equation=r"\mathcal L_{GRPO}\ \text{ over }m\text{ of }n:\ \text{correct with the largest }"
        r"v_i=\tfrac1{H_i}\sum_h r^h_i-\lambda\mathbb 1[H_i=1\vee H_i\ge H_\lambda],"
        r"\ \text{incorrect with the smallest mean}",
        changes="n completions are drawn and m trained on: correct ones whose steps are scored best, incorrect ones"
        " whose steps are scored worst, as many of both as there are; step scores choose and never enter the reward",
        controller=ProcessConsistency(),
    )
}
