"""CISPO: the importance ratio is a clipped constant weight, so no token ever loses its gradient."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Surrogate
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.types import Batch, PerToken


@dataclass(frozen=True)
class Cispo(Surrogate):
    """Log-likelihood weighed by a clipped ratio. MiniMax-M1, arXiv:2506.13585, section 3.1.

    loss = -stop(clamp(ratio, low bound, high bound)) · advantage · logprob; the gradient flows through logprob alone.
    Bounds are 1 - low and 1 + high (verl), or with `absolute` low and high themselves (TRL: no low, high 5).
    """

    low: Annotated[float | None, Field(ge=0, description="lower bound; none: off")] = None  # the paper
    high: Annotated[float, Field(ge=0, description="upper bound")] = 0.2  # verl's example; the paper names no value
    absolute: Annotated[bool, Field(description="the bounds are ratios, not distances from 1")] = False

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        floor = 0.0 if self.low is None else self.low if self.absolute else 1 - self.low
        ceiling = self.high if self.absolute else 1 + self.high
        return -ratio.detach().clamp(floor, ceiling) * advantage * batch.logprob


METHODS = {
    "cispo": derive(
        GRPO,
        title="CISPO",
        paper="arXiv:2506.13585",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\mathrm{sg}\big[\mathrm{clip}(r_{i,t})\big]A_i\log\pi(o_{i,t})",
        changes="the clipped ratio is a constant weight, so that clipped tokens keep a gradient",
        surrogate=Cispo(),
        regularisers=(),
    )
}
