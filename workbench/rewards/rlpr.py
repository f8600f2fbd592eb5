"""RLPR: how likely the reference answer is after the completion's own reasoning."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import ReadsReference
from workbench.types import Asked, Bench, Problem, Read, Rollout, Score
from workbench.types.reasoning import STANDARD, reasoning

WORDS, TIMES = 10, 10  # a window of so many words that stands so often: the paper's repetition


@dataclass(frozen=True)
class Rlpr(ReadsReference, Reward):
    """(1 - λ) · clip(b - a, 0, 1) + λ · f. RLPR, arXiv:2506.18254, section 3.

    b: mean probability of the reference's tokens after the completion's own reasoning, which is read up to the last
    `marker`; a: the same without any reasoning, of the model before training (`debias`); f: 1 where the marker stands
    once, with an answer behind it. No verifier is asked, and the answer is not graded. Less 1 where a window of ten
    words stands ten times. A problem without a reference is unscored. Groups whose rewards hardly vary are for the
    filter `moving_spread`.
    """

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer; the paper: `<answer>`")] = (
        STANDARD
    )
    gap: Annotated[str, Field(description="what stands between marker and reference; the paper: nothing")] = " "
    form: Annotated[float, Field(ge=-1, le=1, description="λ, weight of the layout; -1: malformed ones get -1")] = 0.1
    debias: Annotated[bool, Field(description="take off what the model gives the reference without reasoning")] = True
    repetition: Annotated[bool, Field(description="take off 1 for a text that repeats itself")] = True

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"policy", "reference"}) if self.debias else frozenset({"policy"})

    def ask(self, problem: Problem, rollouts: Sequence[Rollout], bench: Bench) -> Asked:
        """Reads the reference after every reasoning, and once without."""
        encoder = bench.encoder
        found = [reasoning(rollout, encoder, self.marker) for rollout in rollouts]
        reference = encoder.answer(f"{self.gap}{problem.answer.strip()}")
        asked = [
            Read((*rollout.request.prompt, *each.tokens), reference, about=rollout.key)
            for rollout, each in zip(rollouts, found, strict=True)
        ]
        bare = [Read(encoder.prompt(problem.prompt), encoder.answer(problem.answer.strip()), of="reference")]
        replies = yield [*asked, *(bare if self.debias else ())]
        without = mean_probability(replies[-1].logprobs) if self.debias else 0.0
        return [
            self.score(mean_probability(reply.logprobs), without, each.kept, rollout.text)
            for reply, each, rollout in zip(replies, found, rollouts, strict=False)
        ]

    def score(self, after: float, without: float, kept: bool, text: str) -> Score:
        """One score, from both probabilities and the layout."""
        gain = min(1.0, max(0.0, after - without))
        value = (1 - self.form) * gain + self.form * kept
        if self.form < 0:  # the authors' code: the sign alone tells
            value = gain if kept else -1.0
        again = self.repetition and repeats(text)
        parts = [f"the reference has probability {after:.4f} after the reasoning"]
        parts += [f"{without:.4f} without"] if self.debias else []
        parts += [] if kept else [f"{self.marker!r} does not stand once before an answer"]
        parts += ["it repeats itself: less 1"] if again else []
        return Score(value - again, ", ".join(parts))


def mean_probability(logprobs: Sequence[float]) -> float:
    """Mean probability of tokens: one unlikely token does not make it 0, as it would their product."""
    return sum(math.exp(value) for value in logprobs) / len(logprobs)


def repeats(text: str) -> bool:
    """Whether a window of ten words stands ten times or more in a text."""
    words = text.split()
    windows = Counter(tuple(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1))
    return any(count >= TIMES for count in windows.values())
