"""GRPO, as the libraries have it and as the paper does: the same pieces with other fields."""

from workbench.method import Method, derive
from workbench.pieces.advantage import GroupZ
from workbench.pieces.ratio import TokenRatio
from workbench.pieces.reduction import SequenceMean, TokenMean
from workbench.pieces.regulariser import K3
from workbench.pieces.surrogate import Clip

#: A bound on log-ratios, in nats, that only keeps their exponential finite in float32; the paper and TRL have none.
UNBOUNDED = 80.0

GRPO = Method(
    title="GRPO",
    paper="arXiv:2402.03300",
    equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t},1-\varepsilon,"
    r"1+\varepsilon)A_i\big),\quad A_i=\frac{R_i-\bar R}{\mathrm{std}(R)+\epsilon}",
    changes="it is the baseline: a rollout's advantage is its reward, standardised within its group",
    advantage=GroupZ(),
    ratio=TokenRatio(),
    surrogate=Clip(),
    reduction=TokenMean(),
    regularisers=(K3(),),
)

METHODS = {
    "grpo": GRPO,
    "grpo_paper": derive(
        GRPO,
        title="GRPO, as in its paper",
        paper="arXiv:2402.03300, section 4.1",
        equation=r"-\frac1G\sum_i\frac1{|o_i|}\sum_t\Big[\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big)"
        r"-\beta\,k_{3,i,t}\Big],\quad A_i=\frac{R_i-\bar R}{\sigma(R)}",
        changes="every rollout weighs the same whatever its length, the standard deviation is the population's, and an"
        " uncapped KL loss holds the policy near the initial one",
        advantage=GroupZ(population=True),
        ratio=TokenRatio(bound=UNBOUNDED),
        reduction=SequenceMean(),
        regularisers=(K3(coefficient=0.04, bound=UNBOUNDED, cap=None),),  # section 4.2
    ),
}
