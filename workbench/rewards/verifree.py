"""VeriFree: the probability of the whole reference answer after the completion's own reasoning."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import ReadsReference
from workbench.types import Asked, Bench, Problem, Read, Rollout, Score
from workbench.types.reasoning import STANDARD, reasoning


@dataclass(frozen=True)
class Verifree(ReadsReference, Reward):
    """π(reference | prompt, reasoning), the product over its tokens. VeriFree, arXiv:2505.21493, section 2.2.

    The reasoning is read up to the last `marker`, cut between tokens; a completion without one, or truncated before
    it, gets 0. Only one spelling of the reference counts, and long references have a probability near 0. The method
    `verifree` trains the reference itself with the same weight.
    """

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer; the paper: `<answer`")] = (
        STANDARD
    )
    gap: Annotated[str, Field(description="what stands between marker and reference; the paper: `>`")] = " "

    def ask(self, problem: Problem, rollouts: Sequence[Rollout], bench: Bench) -> Asked:
        """Reads the reference after every reasoning that came to its end."""
        reference = bench.encoder.answer(f"{self.gap}{problem.answer.strip()}")
        found = [reasoning(rollout, bench.encoder, self.marker) for rollout in rollouts]
        ended = [place for place, each in enumerate(found) if each.answer]
        replies = yield [
            Read((*rollouts[place].request.prompt, *found[place].tokens), reference, about=rollouts[place].key)
            for place in ended
        ]
        sums = {place: sum(reply.logprobs) for place, reply in zip(ended, replies, strict=True)}
        return [
            Score(math.exp(sums[place]), f"the reference has log-prob {sums[place]:.4f} after the reasoning")
            if place in sums
            else Score(0.0, f"no answer behind {self.marker!r}")
            for place in range(len(rollouts))
        ]
