"""CoVo: an answer is paid where the prefixes of its rollouts settle on it early and steadily. Needs no label."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.types import Asked, Bench, Encoder, Problem, Read, Rollout, Score
from workbench.types.reasoning import STANDARD, reaching, reasoning, written


@dataclass(frozen=True)
class Covo(Reward):
    """Consistency and volatility of the paths to an answer. arXiv:2506.08745, section 3.

    D[i, k]: mean -log p of answer k after prefix i of a completion. Consistency: the share of prefixes whose nearest
    answer is the completion's own; volatility: the share up to the last prefix where it is not. All rollouts with an
    answer get the same: `vector` ‖mean Con · (cos Vol, sin Vol)‖, `linear` mean Con - mean Vol. With `binary`, as in
    the authors' code, 1 from a threshold on, else 0. A group with one answer alone gets 0, as does a rollout without
    one. Left out: the curiosity reward, which that code has off.
    """

    groupwise: ClassVar[bool] = True

    marker: Annotated[str, Field(min_length=1, description="what stands before the answer")] = STANDARD
    gap: Annotated[str, Field(description="what stands between marker and answer")] = " "
    form: Annotated[Literal["vector", "linear"], Field(description="how consistency and volatility are joined")] = (
        "vector"
    )
    binary: Annotated[bool, Field(description="1 from 0.5 (vector) or 0.05 (linear) on, else 0")] = True
    prefixes: Annotated[int, Field(ge=1, description="most prefixes of a completion; lines are merged to as many")] = 15
    answers: Annotated[int, Field(ge=2, description="most answers of a group, the most frequent ones (ours)")] = 16

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({"policy"})

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score] | Asked:
        bench = bench_of(scorer, self.name)
        own = [reasoning(rollout, bench.encoder, self.marker).answer for rollout in rollouts]
        known = [answer for answer, _ in Counter(filter(None, own)).most_common(self.answers)]
        if len(known) < 2:
            why = "all rollouts have the same answer" if known else "no rollout has an answer"
            return [Score(0.0, why, extracted=answer) for answer in own]
        return self.ask(rollouts, own, known, bench)

    def ask(self, rollouts: Sequence[Rollout], own: Sequence[str], known: Sequence[str], bench: Bench) -> Asked:
        """Reads every answer after every prefix."""
        encoder = bench.encoder
        endings = [encoder.answer(f"{self.gap}{answer}") for answer in known]
        paths = {
            place: self.paths(rollout, encoder) for place, rollout in enumerate(rollouts) if own[place] in set(known)
        }
        replies = yield [
            Read((*rollouts[place].request.prompt, *prefix), ending, about=rollouts[place].key)
            for place, prefixes in paths.items()
            for prefix in prefixes
            for ending in endings
        ]
        found = iter(-sum(reply.logprobs) / len(reply.logprobs) for reply in replies)
        seen = {
            place: stability([[next(found) for _ in known] for _ in prefixes], known.index(own[place]))
            for place, prefixes in paths.items()
        }
        values = {answer: self.joined([seen[place] for place in seen if own[place] == answer]) for answer in known}
        return [self.score(own[place], seen.get(place), values) for place in range(len(rollouts))]

    def paths(self, rollout: Rollout, encoder: Encoder) -> list[tuple[int, ...]]:
        """The completion's prefixes, each up to the end of a line before the answer, with the marker behind it."""
        tokens = written(rollout.tokens, encoder)
        text = encoder.text(tokens)
        body = text[: text.rfind(self.marker)].rstrip("\n")
        ends = [place for place, letter in enumerate(body) if letter == "\n"] + [len(body)]
        begin = len(body) - len(body.lstrip())  # a prefix of white space alone is none
        ends = [end for end in ends if end > begin] or [0]
        share = max(1, math.ceil(len(ends) / self.prefixes))
        kept = [ends[min(place + share, len(ends)) - 1] for place in range(0, len(ends), share)]
        tail = encoder.answer(f"\n{self.marker}")
        return [(*tokens[: reaching(tokens, encoder, end)], *tail) for end in kept]

    def joined(self, seen: Sequence[tuple[float, float]]) -> float:
        """The reward of an answer, from (consistency, volatility) of its rollouts."""
        if self.form == "linear":
            value = sum(con - vol for con, vol in seen) / len(seen)
        else:
            along = sum(con * math.cos(vol) for con, vol in seen) / len(seen)
            across = sum(con * math.sin(vol) for con, vol in seen) / len(seen)
            value = math.hypot(along, across)
        threshold = 0.5 if self.form == "vector" else 0.05
        return float(value >= threshold) if self.binary else value

    def score(self, answer: str, seen: tuple[float, float] | None, values: dict[str, float]) -> Score:
        """The score of a rollout."""
        if seen is None:
            why = f"{answer!r} is not among the most frequent answers" if answer else "no answer"
            return Score(0.0, why, extracted=answer)
        con, vol = seen
        told = f"consistency {con:.3f}, volatility {vol:.3f}; its answer {answer!r} is one of {len(values)}"
        return Score(values[answer], told, extracted=answer)


def stability(distances: Sequence[Sequence[float]], own: int) -> tuple[float, float]:
    """(consistency, volatility) of a path: [prefix, answer] distances, and which answer is its own.

    >>> stability([[0.5, 0.6], [0.4, 0.7]], own=0), stability([[0.9, 0.6], [0.4, 0.7]], own=0)
    ((1.0, 0.0), (0.5, 0.5))
    """
    hits = [row[own] == min(row) for row in distances]
    last = max((place for place, hit in enumerate(hits, start=1) if not hit), default=0)
    return sum(hits) / len(hits), last / len(hits)
