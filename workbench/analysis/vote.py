"""One answer from several rollouts of a problem: majority vote, and votes weighted by each rollout's score.

ARRoL (arXiv:2603.24840) weights the votes of 32 finished rollouts by its quality head.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.types import Rollout


def rank_weights(scores: Sequence[float]) -> list[float]:
    """Ranks mapped linearly to [0, 1]: the best 1, the worst 0; ties share their mean rank, a single score has 1.

    >>> rank_weights([2.1, 0.7, 1.4])
    [1.0, 0.0, 0.5]
    """
    if any(math.isnan(score) for score in scores):
        raise ValueError("a score is nan: exclude rollouts without a score from the vote")
    last = len(scores) - 1
    below = [sum(other < score for other in scores) for score in scores]
    equal = [sum(other == score for other in scores) - 1 for score in scores]
    return [(under + alike / 2) / last if last else 1.0 for under, alike in zip(below, equal, strict=True)]


def vote(answers: Sequence[str], weights: Sequence[float] | None = None) -> str:
    """The answer with the largest sum of weights (None: each counts once); of ties the first.

    An empty answer has no vote; without any vote the result is empty.

    >>> vote(["4", "5", "5"]), vote(["4", "5", "5"], [1.0, 0.5, 0.0])
    ('5', '4')
    """
    sums: dict[str, float] = defaultdict(float)
    for answer, weight in zip(answers, weights or [1.0] * len(answers), strict=True):
        if answer:
            sums[answer] += weight
    return max(sums, key=lambda answer: sums[answer]) if sums else ""


@dataclass(frozen=True)
class Ballot:
    """The answers to one problem, whether each is correct, and the scores of their rollouts."""

    answers: Sequence[str]
    correct: Sequence[bool]
    scores: Sequence[float]

    def right(self, weights: Sequence[float] | None = None) -> bool:
        """Whether the vote's answer is correct."""
        chosen = vote(self.answers, weights)
        return any(right and answer == chosen for answer, right in zip(self.answers, self.correct, strict=True))


def ballot(rollouts: Sequence[Rollout], part: str, scores: Mapping[int, float]) -> Ballot:
    """The rollouts of a problem by the answer that the reward `part` extracted; `scores` by place.

    Rollouts without a score, or that this part does not grade, are excluded; unscored ones count as incorrect.
    """
    graded = {place: rollout.parts[part] for place, rollout in enumerate(rollouts) if part in rollout.parts}
    unscored = {place for place, found in graded.items() if found.correct is None and math.isnan(found.value)}
    known = {place for place, found in graded.items() if found.correct is not None} | unscored
    places = sorted(known & scores.keys())
    return Ballot(
        [graded[place].extracted for place in places],
        [bool(graded[place].correct) for place in places],
        [scores[place] for place in places],
    )


def ballots(groups: Sequence[Sequence[Rollout]], part: str, scores: Sequence[float]) -> list[Ballot]:
    """One ballot per group of rollouts; `scores` of all rollouts, group after group."""
    given = iter(scores)
    return [ballot(group, part, {place: next(given) for place in range(len(group))}) for group in groups]


def compare(ballots: Sequence[Ballot]) -> dict[str, float]:
    """Share of problems solved: by a random rollout, by the majority, by votes weighted by rank.

    >>> compare([Ballot(["4", "5", "5"], [True, False, False], [0.9, 0.4, 0.1])])
    {'single': 0.3333333333333333, 'majority': 0.0, 'weighted': 1.0}
    """
    cast = [entry for entry in ballots if entry.answers]
    if not cast:
        raise ValueError("no problem has a graded rollout with a score: nothing to vote on")
    return {
        "single": sum(sum(entry.correct) / len(entry.correct) for entry in cast) / len(cast),
        "majority": sum(entry.right() for entry in cast) / len(cast),
        "weighted": sum(entry.right(rank_weights(entry.scores)) for entry in cast) / len(cast),
    }
