"""GRPO as the libraries have it; the paper's form is the same pieces with other fields."""

from workbench.method import Method
from workbench.pieces.advantage import GroupZ
from workbench.pieces.ratio import TokenRatio
from workbench.pieces.reduction import TokenMean
from workbench.pieces.surrogate import Clip

METHODS = {
    "grpo": Method(
        title="GRPO",
        paper="arXiv:2402.03300",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t},1-\varepsilon,"
        r"1+\varepsilon)A_i\big),\quad A_i=\frac{R_i-\bar R}{\mathrm{std}(R)+\epsilon}",
        changes="it is the baseline: a rollout is as good as it is better than its siblings",
        advantage=GroupZ(),
        ratio=TokenRatio(),
        surrogate=Clip(),
        reduction=TokenMean(),
    )
}
