"""DARL: RLPR's probability of the reference, and a little more where the own answer is nearly as likely."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import ReadsReference
from workbench.rewards.rlpr import mean_probability
from workbench.types import Asked, Bench, Problem, Read, Rollout, Score
from workbench.types.reasoning import STANDARD, reasoning


@dataclass(frozen=True)
class Darl(ReadsReference, Reward):
    """α r(y*) + β Δ [Δ ≤ r(y*) / γ], Δ = max(r(y*) - r(y), 0). DARL, arXiv:2601.14700.

    r: mean probability of an answer's tokens after the completion's own reasoning; y*: the reference, y: the answer
    that was given. The bonus pays for being different within the range, and more for more. A completion without an
    answer gets no bonus. The paper names no α: 1 here.
    """

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer")] = STANDARD
    gap: Annotated[str, Field(description="what stands between marker and reference")] = " "
    alpha: Annotated[float, Field(ge=0, description="weight of the reference's probability")] = 1.0
    beta: Annotated[float, Field(ge=0, description="weight of the bonus")] = 0.01
    gamma: Annotated[float, Field(gt=0, description="the range is the reference's probability over this")] = 8.0

    def ask(self, problem: Problem, rollouts: Sequence[Rollout], bench: Bench) -> Asked:
        """Reads the reference and the own answer after every reasoning."""
        encode = bench.encoder.answer
        found = [reasoning(rollout, bench.encoder, self.marker) for rollout in rollouts]
        prompts = [(*rollout.request.prompt, *each.tokens) for rollout, each in zip(rollouts, found, strict=True)]
        reference = encode(f"{self.gap}{problem.answer.strip()}")
        given = [place for place, each in enumerate(found) if each.answer]
        replies = yield [
            *(Read(prompt, reference, about=each.key) for prompt, each in zip(prompts, rollouts, strict=True)),
            *(
                Read(prompts[place], encode(f"{self.gap}{found[place].answer}"), about=rollouts[place].key)
                for place in given
            ),
        ]
        own = dict(zip(given, replies[len(rollouts) :], strict=True))
        return [
            self.score(mean_probability(replies[place].logprobs), own[place].logprobs if place in own else None)
            for place in range(len(rollouts))
        ]

    def score(self, reference: float, own: Sequence[float] | None) -> Score:
        """One score, from the reference's probability and the log-probs of the own answer's tokens."""
        told = f"the reference has probability {reference:.4f}"
        if own is None:
            return Score(self.alpha * reference, f"{told}; no answer was given")
        probability = mean_probability(own)
        gap = max(reference - probability, 0.0)
        inside = gap <= reference / self.gamma
        bonus = self.beta * gap if inside else 0.0
        where = "within the range" if inside else "outside the range"
        return Score(self.alpha * reference + bonus, f"{told}, the own answer {probability:.4f}: {where}")
