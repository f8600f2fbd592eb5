"""CEPO: a token counts by how much more likely the reference answer makes it than an incorrect answer does."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupZ
from workbench.pieces.surrogate import Clip
from workbench.types import Batch, Encoder, PerToken, Problem, Rollout

EXCERPT = 50  # characters of an incorrect rollout that stand in for an answer that could not be extracted


@dataclass(frozen=True)
class Contrast(Advantage):
    """GRPO's advantage, weighed per token by contrasting evidence. arXiv:2605.19436, section 3.

    evidence = old_logprob after the prompt and the reference answer - after the prompt and an incorrect answer
    advantage = A · ((1 - share) + share · clamp(exp(sign(A) · evidence), 1 - bound, 1 + bound))
    The share falls linearly to 0 over `steps` steps. The incorrect answer is that of the incorrect rollout with the
    lowest reward; without one both contexts are the same, and A stays as it is.
    """

    share: Annotated[float, Field(ge=0, le=1, description="of the weight in the first step (lambda)")] = 0.5  # script
    steps: Annotated[int, Field(ge=1, description="until the share is 0")] = 25  # script
    bound: Annotated[float, Field(gt=0, le=1, description="how far a weight may be from 1")] = 0.2  # script
    wording: Annotated[str, Field(description="what stands between prompt and completion")] = " {answer}"  # their code
    eps: Annotated[float, Field(gt=0, description="added to the standard deviation")] = 1e-6  # GRPO's

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob@right", "old_logprob@wrong"})

    def contexts(
        self, problem: Problem, rollouts: Sequence[Rollout], encoder: Encoder
    ) -> dict[str, list[tuple[int, ...]]]:
        wrong = wrong_answer(rollouts) or problem.answer
        shown = {"right": problem.answer, "wrong": wrong}
        words = {name: encoder.answer(self.wording.format(answer=answer)) for name, answer in shown.items()}
        return {name: [(*rollout.prompt, *tokens) for rollout in rollouts] for name, tokens in words.items()}

    def __call__(self, batch: Batch) -> PerToken:
        standard = GroupZ(eps=self.eps)(batch)
        share = self.share * max(0.0, 1 - (batch.step - 1) / self.steps)
        evidence = batch["old_logprob@right"] - batch["old_logprob@wrong"]
        weight = (standard.sign() * evidence).clamp(-20.0, 20.0).exp().clamp(1 - self.bound, 1 + self.bound)
        return standard * torch.lerp(torch.ones_like(weight), weight, share)


def wrong_answer(rollouts: Sequence[Rollout]) -> str:
    """The answer of the incorrect rollout of lowest reward, or its beginning if none was extracted; "" without one."""
    wrong = [rollout for rollout in rollouts if rollout.correct == 0]
    if not wrong:
        return ""
    worst = min(wrong, key=lambda rollout: -math.inf if math.isnan(rollout.reward) else rollout.reward)
    extracted = [part.extracted for part in worst.parts.values() if part.extracted]
    return extracted[0] if extracted else worst.text[:EXCERPT]


METHODS = {
    "cepo": derive(
        GRPO,
        title="CEPO",
        paper="arXiv:2605.19436",
        equation=r"\hat A_{i,t}=A_i\Big[(1-\lambda)+\lambda\,\mathrm{clip}\big(e^{\mathrm{sign}(A_i)\Delta_{i,t}},"
        r"1-\varepsilon_w,1+\varepsilon_w\big)\Big],\quad\Delta=\log P^+-\log P^-",
        changes="in a correct rollout, tokens that the reference answer makes more likely than an incorrect one get"
        " a larger advantage; in an incorrect rollout a smaller one",
        advantage=Contrast(),
        surrogate=Clip(low=0.2, high=0.28, dual=3.0),  # their code's default bound for A < 0
        regularisers=(),
    )
}
