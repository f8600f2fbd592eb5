"""CURE: every rollout is regenerated from a high-entropy token on; originals and branches form one group.

Stage two is plain DAPO, as a fork: `fork(run, 300, method={"method": "dapo"})`, or on the command line
`workbench fork RUN --step 300 --set method.method=dapo`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.dapo import METHODS as DAPO
from workbench.pieces.surrogate import Clip
from workbench.types import Request, Rollout, State


@dataclass(frozen=True)
class Recut(Controller):
    """Branches from critical tokens. arXiv:2508.11016, stage one.

    Of the `candidates` positions of highest entropy one is drawn; the completion up to it becomes a prefix, and it is
    continued from there, the token itself included, `branches` times. The first position and tokens of at most one
    visible character (white space is not visible) are no candidates; a completion without candidates is generated
    again from the start. A prefix is not trained.
    """

    branches: Annotated[int, Field(ge=1, description="continuations of every rollout (n2)")] = 3  # run script
    candidates: Annotated[int, Field(ge=1, description="positions that may be cut (K)")] = 20  # run script

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        return problems * rollouts * (1 + self.branches)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        rollouts = [rollout for group in round.groups for rollout in group.rollouts if rollout.finish != "pruned"]
        found = entropies(rollouts, round)
        requests = [
            self.branch(rollout, values, round, round.uniform(number))
            for number, (rollout, values) in enumerate(zip(rollouts, found, strict=True))
        ]
        return Orders(requests, state=state)

    def branch(self, rollout: Rollout, entropy: Sequence[float], round: Round, draw: float) -> Request:
        """The request for a rollout's continuations."""
        visible = [len(round.encoder.text([token]).strip()) for token in rollout.tokens]
        cut = self.cut(entropy, lambda place: visible[place] > 1, draw)
        asked = rollout.request
        return round.request(
            problem=asked.problem,
            prompt=asked.prompt,
            training_prompt=asked.training_prompt,
            group=asked.group,
            n=self.branches,
            prefix=tuple(rollout.tokens[:cut]),
            tag="branch",
        )

    def cut(self, entropy: Sequence[float], allowed: Callable[[int], bool], draw: float) -> int:
        """The position from which tokens are regenerated; 0 if none is allowed."""
        places = [place for place in range(1, len(entropy)) if allowed(place)]
        best = sorted(sorted(places, key=lambda place: -entropy[place])[: self.candidates])
        return best[int(draw * len(best))] if best else 0


def entropies(rollouts: Sequence[Rollout], round: Round) -> list[list[float]]:
    """The policy's entropy at every token of every rollout."""
    if round.scorer is None:
        raise ValueError("recut reads the policy's entropies and was given no scorer: choose an engine that has one")
    read = round.scorer.score([rollout.prompt for rollout in rollouts], [r.tokens for r in rollouts], ["entropy"])
    return [item["entropy"] for item in read]


METHODS = {
    "cure": derive(
        DAPO["dapo"],
        title="CURE, stage one",
        paper="arXiv:2508.11016",
        equation=r"y'\sim\pi_{old}(\cdot\,|\,x,y_{<c}),\quad c\in\mathrm{top}_K\{t:H_{i,t}\};\quad"
        r"\text{DAPO's loss over }n_1+n_1n_2\text{ rollouts}",
        changes="each rollout is cut before a high-entropy token and regenerated from there, and the branches join"
        " its group",
        surrogate=Clip(low=0.2, high=0.28, dual=10.0),
        controller=Recut(),
    )
}
