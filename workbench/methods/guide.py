"""Guide-GRPO and Guide-PPO: unsolved problems are sampled again with a hint, and trained on the prompt without it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.methods.ppo import METHODS as PPO
from workbench.pieces.filters import DynamicSampling
from workbench.pieces.off_policy import MixedClip, SaturatedRatio, mark
from workbench.types import Group, Request, State

TAG = "hinted"


@dataclass(frozen=True)
class HintTheLost(Controller):
    """Asks problems without a correct completion again, with their hint. arXiv:2506.13923, section 3.

    The hint is `problem.data[hint]`; a problem without one stays lost. Hinted rollouts make a group of their own,
    are trained on the prompt without it, and are marked off-policy. The bare group is dropped.
    """

    hint: Annotated[str, Field(description="the column of the data that holds the hint")] = "hint"
    wording: Annotated[str, Field(description="how the hint is shown")] = "{question}\nHint: {hint}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data without which it does nothing."""
        return (self.hint,)

    def init(self) -> State:
        return {"hinted": 0}

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return 2 * problems * rollouts

    def __call__(self, state: State, round: Round) -> Orders:
        for group in round.groups:
            for rollout in group.rollouts:
                if rollout.request.tag == TAG:
                    mark(rollout)
        if round.number > 0:
            return Orders(state=state)
        lost = [group for group in round.groups if group.accuracy == 0 and group.problem.data.get(self.hint)]
        requests = [self.again(group, round) for group in lost]
        dropped = frozenset(group.number for group in lost)
        return Orders(requests, drop_groups=dropped, state={"hinted": state["hinted"] + len(requests)})

    def again(self, group: Group, round: Round) -> Request:
        """A request for as many rollouts as before: the engine sees the hint, the update does not."""
        problem = group.problem
        text = self.wording.format(question=problem.prompt, hint=problem.data[self.hint])
        return round.request(
            problem=problem,
            prompt=round.encoder.prompt(text),
            training_prompt=group.rollouts[0].prompt,
            group=round.new_group(),
            n=len(group.rollouts),
            tag=TAG,
        )


METHODS = {
    "guide": derive(
        GRPO,
        title="Guide-GRPO",
        paper="arXiv:2506.13923",
        equation=r"-\frac{r}{r+\gamma}A\ \text{ for hinted tokens},\quad r=\frac{\pi(y_t|x)}{\pi_{old}(y_t|x,h)},"
        r"\ \gamma=\mathrm{sg}[Q_{0.9}(r)];\quad\mathcal L_{clip}\text{ for the others}",
        changes="problems without a correct rollout are sampled again with a hint, and the hinted completions are"
        " trained on the prompt without it, by a ratio that saturates (padding is left out of its quantile; the"
        " authors' code counts it)",
        ratio=SaturatedRatio(),
        surrogate=MixedClip(),
        regularisers=(),
        filters=(DynamicSampling(),),
        controller=HintTheLost(),
    ),
    "guide_ppo": derive(
        PPO["ppo"],
        title="Guide-PPO",
        paper="arXiv:2506.13923",
        equation=r"-\frac{r}{r+\gamma}A_t\ \text{ for hinted tokens},\quad "
        r"A_t=\sum_{l\ge0}(\gamma\lambda)^l\delta_{t+l}",
        changes="PPO whose unsolved problems are sampled again with a hint, and trained on the prompt without it by a"
        " ratio that saturates; the value of every token is that of the bare prompt",
        ratio=SaturatedRatio(),
        surrogate=MixedClip(),
        filters=(DynamicSampling(),),
        controller=HintTheLost(),
        group_size=2,
    ),
}
