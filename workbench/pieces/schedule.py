"""Schedules: numbers that follow the step."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Schedule

Share = Annotated[float, Field(ge=0, le=1, description="as a share of the run's steps")]


@dataclass(frozen=True)
class Fading(Schedule):
    """From `value` down to 0 between two points of the run. arXiv:2605.25381, section 3.

    With p the share of the way done: linear value · (1 - p), gamma its square, sigmoid a logistic curve of slope 8
    stretched to run from value to 0.
    """

    value: Annotated[float, Field(description="where it starts")] = 1.0
    begin: Share = 0.0
    end: Share = 1.0
    shape: Annotated[Literal["linear", "sigmoid", "gamma"], Field(description="form of the curve")] = "linear"

    def __call__(self, step: int, total_steps: int) -> float:
        """
        >>> [round(Fading(0.99, end=0.8, shape=shape)(80, 200), 4) for shape in ("linear", "sigmoid", "gamma")]
        [0.495, 0.495, 0.245]
        """
        first, last = int(self.begin * total_steps), int(self.end * total_steps)
        done = min(max((step - first) / max(last - first, 1), 0.0), 1.0)
        if self.shape == "sigmoid":
            return self.value * (logistic(done) - logistic(1.0)) / (logistic(0.0) - logistic(1.0))
        straight = self.value * (1 - done)
        return straight**2 if self.shape == "gamma" else straight


def logistic(done: float) -> float:
    """Falls from almost 1 to almost 0 around one half."""
    return 1 / (1 + math.exp(8 * (done - 0.5)))
