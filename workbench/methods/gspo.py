"""GSPO: GRPO with one importance ratio per rollout instead of one per token."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.ratio import SequenceRatio
from workbench.pieces.reduction import SequenceMean
from workbench.pieces.surrogate import Clip

METHODS = {
    "gspo": derive(
        GRPO,
        title="GSPO",
        paper="arXiv:2507.18071",
        equation=r"-\frac1G\sum_i \min\big(s_iA_i,\ \mathrm{clip}(s_i)A_i\big),\quad"
        r" s_i=\exp\Big(\frac1{|o_i|}\sum_t\log r_{i,t}\Big)",
        changes="one importance ratio per rollout, the geometric mean over its tokens, clipped as a whole",
        ratio=SequenceRatio(),
        surrogate=Clip(low=3e-4, high=4e-4),  # section 5.1
        reduction=SequenceMean(),
        regularisers=(),
    )
}
