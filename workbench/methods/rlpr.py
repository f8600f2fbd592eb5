"""RLPR: GRPO on the probability of the reference answer, on problems whose rewards vary as much as usual."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.filters import MovingSpread
from workbench.pieces.surrogate import Clip

METHODS = {
    "rlpr": derive(
        GRPO,
        title="RLPR",
        paper="arXiv:2506.18254",
        equation=r"\mathcal L_{GRPO}\ \text{ over groups with }s_R\ge\beta\,e_t,\quad"
        r" e_t=0.99\,e_{t-1}+0.01\,\bar s_{t-1}",
        changes="meant for the reward rlpr, which needs no verifier; a problem whose rewards vary less than half as"
        " much as usual is replaced by another one, and the clip range is wider upwards",
        surrogate=Clip(low=0.2, high=0.27),  # the authors' run scripts, as is a KL of 0
        regularisers=(),
        filters=(MovingSpread(),),
    )
}
