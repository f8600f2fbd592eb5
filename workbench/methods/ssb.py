"""Semantic soft bootstrapping: completions after a correct and an incorrect attempt, distilled without them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Controller, Orders, Round, Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupCentre
from workbench.pieces.off_policy import foreign, mark
from workbench.pieces.reduction import TokenMean
from workbench.types import Batch, Group, PerToken, Request, Rollout, State

TAG = "explained"
WORDING = "{question}\nRight:\n{right}\nWrong:\n{wrong}\nExplain the right way."


@dataclass(frozen=True)
class Explain(Controller):
    """Samples mixed groups' problems again with one attempt of each kind in the prompt. arXiv:2512.05105.

    The first correct attempt and one with the most frequent incorrect answer are shown; of the new completions the
    correct ones are trained, on the prompt without the attempts. The attempts, and groups without both kinds, are
    dropped.
    """

    tries: Annotated[int, Field(ge=1, description="new completions of a problem; the authors: 1")] = 2
    wording: Annotated[str, Field(description="how the attempts are shown")] = WORDING

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * (rollouts + self.tries)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            for group in round.groups:
                for rollout in group.rollouts:
                    mark(rollout)
            return Orders(drop=lambda rollout: rollout.correct != 1, state=state)
        requests = []
        for group in round.groups:
            right = next((rollout for rollout in group.rollouts if rollout.correct == 1), None)
            wrong = commonest([rollout for rollout in group.rollouts if rollout.correct == 0])
            if right is not None and wrong is not None:
                requests.append(self.again(group, right, wrong, round))
        return Orders(requests, drop_groups=frozenset(group.number for group in round.groups), state=state)

    def again(self, group: Group, right: Rollout, wrong: Rollout, round: Round) -> Request:
        """A request for the problem: the engine sees both attempts, the update none."""
        text = self.wording.format(question=group.problem.prompt, right=right.text, wrong=wrong.text)
        return round.request(
            problem=group.problem,
            prompt=round.encoder.prompt(text),
            training_prompt=right.prompt,
            group=round.new_group(),
            n=self.tries,
            tag=TAG,
        )


def commonest(rollouts: Sequence[Rollout]) -> Rollout | None:
    """The first rollout with the most frequent extracted answer; None if there are no rollouts."""
    answers = [next((part.extracted for part in rollout.parts.values()), "") for rollout in rollouts]
    often = Counter(answers).most_common(1)
    return rollouts[answers.index(often[0][0])] if often else None


@dataclass(frozen=True)
class Imitate(Surrogate):
    """A divergence from the policy that generated the off-policy tokens. arXiv:2512.05105.

    loss = exp(d) - 1 - d, d = logprob - behaviour_logprob, which over the writer's tokens averages
    KL(writer ‖ policy) and its gradient. The paper forms that KL over the whole vocabulary at temperature 2; this
    estimates it from the sampled token, at the sampling temperature. Own tokens have no gradient.
    """

    bound: Annotated[float, Field(gt=0, le=80, description="most that d may be, against overflow")] = 20.0  # verl

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"behaviour_logprob", "off_policy"})

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        marked = foreign(batch)
        if not marked.any():
            return 0.0 * batch.logprob
        d = (batch.logprob - batch["behaviour_logprob"]).clamp(max=self.bound)
        return torch.where(marked, torch.expm1(d) - d, 0.0)


METHODS = {
    "ssb": derive(
        GRPO,
        title="Semantic soft bootstrapping",
        paper="arXiv:2512.05105",
        equation=r"\frac1N\sum_t\mathrm{KL}\big(\pi_{old}(\cdot|x,y^+,y^-,z_{<t})\,\|\,\pi(\cdot|x,z_{<t})\big),\quad "
        r"z\sim\pi_{old}(\cdot|x,y^+,y^-)\text{ and right}",
        changes="no policy gradient: completions generated after a correct and an incorrect attempt are distilled"
        " into the prompt without them",
        advantage=GroupCentre(),  # recorded, not used
        surrogate=Imitate(),
        reduction=TokenMean(),
        regularisers=(),
        controller=Explain(),
    )
}
