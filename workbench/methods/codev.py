"""CodeV-R1: DAPO that draws as many problems at once as its share of kept ones lets expect.

The reward is `verilog`. Left out: problems that are drawn beyond the step's number and kept are trained as well, where
the authors cut them; test benches, and the round trip that makes the data.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Pick, Pool, Sampler, Survey
from workbench.method import derive
from workbench.methods.dapo import METHODS as DAPO
from workbench.pieces.sampler import Uniform
from workbench.types import Group, State


@dataclass(frozen=True)
class AsManyAsNeeded(Sampler):
    """Another sampler's problems, more of them the fewer are kept. arXiv:2505.24183, adaptive DAPO.

    missing / min(ratio, step's ratio), rounded up to a multiple: ratio is the smallest share that was kept over a step
    so far, the step's that over one of its rounds. Kept: solved at times, as `dynamic_sampling` has it. Both only fall,
    so that one bad step makes all later ones draw more; `most` bounds it.
    """

    multiple: Annotated[int, Field(ge=1, description="problems are drawn in multiples of this; authors: 128")] = 1
    most: Annotated[float, Field(ge=1, description="largest draw, as a multiple of the step's problems")] = 8.0  # ours
    inner: Annotated[Sampler, Field(description="which problems")] = Uniform()

    @property
    def survey(self) -> Survey | None:
        return self.inner.survey

    def init(self) -> State:
        return {
            "inner": self.inner.init(),
            "ratio": 1.0,
            "step": 0,
            "within": 1.0,
            "wanted": 0,
            "missing": 0,
            "drawn": 1,
        }

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        if pool.step != state["step"]:
            within, wanted = 1.0, pool.count
        else:
            kept = max(0, state["missing"] - pool.count)
            within, wanted = min(state["within"], kept / state["drawn"]), state["wanted"]
        ratio = max(min(state["ratio"], within), 1 / self.most)
        count = math.ceil(pool.count / ratio / self.multiple - 1e-9) * self.multiple
        count = max(pool.count, min(count, math.ceil(self.most * wanted)))
        picks, inner = self.inner(state["inner"], replace(pool, count=count))
        now = {"step": pool.step, "within": within, "wanted": wanted, "missing": pool.count, "drawn": count}
        return picks, {**state, "inner": inner, **now}

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        kept = sum(0 < group.accuracy < 1 for group in groups)
        ratio = min(state["ratio"], kept / len(groups)) if groups else state["ratio"]
        return {**state, "inner": self.inner.learn(state["inner"], groups), "ratio": ratio}


METHODS = {
    "codev": derive(
        DAPO["dapo"],
        title="CodeV-R1, adaptive DAPO",
        paper="arXiv:2505.24183",
        equation=r"B\ge\frac{N-k}{\min(\rho,\rho')},\quad\rho\leftarrow\min\Big(\rho,"
        r"\frac{\text{kept}}{\text{drawn}}\Big)",
        changes="as DAPO, and each round draws as many problems as the share that was kept so far lets expect, so"
        " that a step needs fewer rounds",
        sampler=AsManyAsNeeded(),
    )
}
