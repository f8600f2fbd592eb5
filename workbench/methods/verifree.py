"""VeriFree: the reasoning is paid by the probability of the reference answer, and the reference trained beside it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import LeaveOneOut
from workbench.pieces.reduction import SequenceSum
from workbench.types import Group, Rollout, Score, State
from workbench.types.reasoning import STANDARD, reasoning

ROLE = "reference"


@dataclass(frozen=True)
class TrainReference(Controller):
    """Adds the reference answer after every completion's reasoning, with the reward as its advantage.

    arXiv:2505.21493, equation 4: R · ∇ log π(reference | prompt, reasoning) beside A · ∇ log π(reasoning). The
    reasoning is a given prefix, which is not trained on. The rows stand in groups of their own, so that they change no
    baseline, and are trained whatever the rewards are: in a group of equal rewards A = 0, and this term stays. A
    completion with reward 0, or without an answer, adds none. `marker` and `gap` are those of the reward `verifree`.
    """

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer")] = STANDARD
    gap: Annotated[str, Field(description="what stands between marker and reference")] = " "

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return 2 * problems * rollouts

    def __call__(self, state: State, round: Round) -> Orders:
        members = [(group, rollout) for group in round.groups for rollout in group.rollouts]
        if round.number > 0:
            late = [rollout for _, rollout in members if rollout.request.role == ROLE]
            scores = {rollout.key: {ROLE: Score(rollout.extras["stored_advantage"][-1])} for rollout in late}
            return Orders(scores=scores, state=state)
        numbers = {group.number: round.new_group() for group in round.groups}
        rows = [self.row(group, rollout, numbers[group.number], round) for group, rollout in members]
        return Orders(rollouts=[row for row in rows if row is not None], state=state)

    def row(self, group: Group, rollout: Rollout, number: int, round: Round) -> Rollout | None:
        """The reference after a completion's reasoning; None where it has no weight, or there is no answer."""
        found = reasoning(rollout, round.encoder, self.marker)
        if not rollout.reward > 0 or not found.answer:
            return None
        reference = round.encoder.answer(f"{self.gap}{group.problem.answer.strip()}")
        tokens = [*found.tokens, *reference]
        request = round.request(
            problem=group.problem,
            prompt=rollout.prompt,
            group=number,
            prefix=found.tokens,
            role=ROLE,
            late=True,
            parent=rollout.key,
        )
        unknown = [float("nan")] * len(tokens)
        text = round.encoder.text(tokens)
        made = Rollout(request, 0, tokens, text, unknown, list(unknown), "given")
        made.extras["stored_advantage"] = [rollout.reward] * len(tokens)
        return made


METHODS = {
    "verifree": derive(
        GRPO,
        title="VeriFree",
        paper="arXiv:2505.21493; rows of both terms share one mean, half of the paper's scale",
        equation=r"\tfrac1n\sum_i\big[A_i\sum_t\log\pi(z_{i,t})+R_i\sum_t\log\pi(y^*_t|x,z_i)\big],\quad"
        r" A_i=R_i-\tfrac1{n-1}\sum_{j\ne i}R_j",
        changes="no verifier: the reward verifree pays a completion by the probability of the reference after its"
        " reasoning, and the reference itself is trained with that weight; leave-one-out baseline, tokens are added",
        advantage=LeaveOneOut(),
        reduction=SequenceSum(),
        regularisers=(),
        controller=TrainReference(),
    )
}
