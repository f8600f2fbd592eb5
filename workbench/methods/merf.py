"""MeRF: the rules of the reward stand before the question while training, and not at the evaluation."""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.sampler import Around, Uniform
from workbench.pieces.shaping import Outcome
from workbench.types import State

SCORES = Outcome(right=3.0, wrong=-0.5, none=-3.0)  # the paper's rules for its puzzles, format and answer added
RULES = (
    f"A correct answer is worth {SCORES.right:g} points, an incorrect one {SCORES.wrong:g}, and no readable answer"
    f" {SCORES.none:g}."
)


@dataclass(frozen=True)
class Motivated(Around, Sampler):
    """Another sampler's picks, with the rules before each question. arXiv:2506.18485.

    Log-probs, ratio and KL are of the prompt with the rules; held-out problems are asked without. Keep the text in step
    with the rewards: rules that promise something else are learned to be ignored.
    """

    rules: Annotated[str, Field(description="what the reward pays for")] = RULES
    inner: Annotated[Sampler, Field(description="which problems")] = Uniform()

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        picks, state = self.inner(state, pool)
        shown = f"{self.rules}\n\n{{question}}"
        return [replace(pick, ask=replace(pick.ask, prompt=shown)) for pick in picks], state


METHODS = {
    "merf": derive(
        GRPO,
        title="MeRF",
        paper="arXiv:2506.18485",
        equation=r"y_i\sim\pi(\cdot\,|\,m\oplus x),\quad\mathcal L_{clip}\text{ given }m\oplus x",
        changes="the rules of the reward stand in the prompt while training",
        regularisers=(),
        shaping=(SCORES,),
        sampler=Motivated(),
    )
}
