"""From the weighted sum of the reward parts to the final reward of every rollout of a group.

Lengths are in tokens as generated, the stop token counted. A reward of nan (not scored) stays nan.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Shaping
from workbench.types import Group, Rollout


@dataclass(frozen=True)
class Overlong(Shaping):
    """DAPO's soft overlong punishment, added to the reward. DAPO, arXiv:2503.14476, section 3.4.

    soft = limit - cache; length penalty = 0 up to soft, (soft - length) / cache up to limit, -1 beyond.
    limit: `limit`, or the run's budget; cache: in tokens if `cache_tokens` is given, else a share of the limit.
    """

    cache: Annotated[float, Field(gt=0, le=1, description="share of the limit in which the penalty grows")] = 0.2
    cache_tokens: Annotated[int | None, Field(ge=1, description="the same in tokens; comes before the share")] = None
    limit: Annotated[int | None, Field(ge=1, description="length of the full penalty; none: the budget")] = None
    weight: Annotated[float, Field(ge=0, description="the full penalty")] = 1.0

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        return [
            reward + self.weight * self.penalty(len(rollout.tokens), self.limit or budget)
            for reward, rollout in zip(rewards, group.rollouts, strict=True)
        ]

    def penalty(self, length: int, limit: int) -> float:
        """Between -1 and 0.

        >>> [Overlong().penalty(length, 20480) for length in (16384, 18432, 20480, 20481)]
        [0.0, -0.5, -1.0, -1.0]
        """
        cache = min(self.cache_tokens or self.cache * limit, limit)
        return 0.0 - min(max((length - (limit - cache)) / cache, 0.0), 1.0)  # 0.0 - x: no negative zero


@dataclass(frozen=True)
class OverlongFilter(Shaping):
    """Leaves rollouts out that the budget ended: their reward becomes nan. DAPO, arXiv:2503.14476, section 3.4.

    Such a rollout weighs nothing and leaves its group's statistics as well.
    """

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        del budget
        pairs = zip(rewards, group.rollouts, strict=True)
        return [math.nan if rollout.finish == "length" else reward for reward, rollout in pairs]


@dataclass(frozen=True)
class Scale(Shaping):
    """A straight line through two points: a reward of 0 becomes `low`, one of 1 becomes `high`.

    The default makes DAPO's -1 and +1 (section 2.4) of 0 and 1.
    """

    low: Annotated[float, Field(description="what a reward of 0 becomes", allow_inf_nan=False)] = -1.0
    high: Annotated[float, Field(description="what a reward of 1 becomes", allow_inf_nan=False)] = 1.0

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        del group, budget
        return [self.low + (self.high - self.low) * reward for reward in rewards]


@dataclass(frozen=True)
class Outcome(Shaping):
    """One reward for a correct answer, less for an incorrect one, least for none. RISE, arXiv:2505.13445, section 3.

    An answer is there if a reward extracted one. What a controller scores, as a proposal, keeps its reward.
    """

    right: Annotated[float, Field(description="of a correct answer")] = 1.0
    wrong: Annotated[float, Field(description="of an incorrect one")] = -0.5
    none: Annotated[float, Field(description="without an answer")] = -1.0

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        del budget
        return [
            self.value(rollout) if value == value and not rollout.request.late else value
            for rollout, value in zip(group.rollouts, rewards, strict=True)
        ]

    def value(self, rollout: Rollout) -> float:
        """The reward of a rollout."""
        if any(part.correct for part in rollout.parts.values()):
            return self.right
        return self.wrong if any(part.extracted for part in rollout.parts.values()) else self.none
