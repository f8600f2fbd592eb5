"""RLOO: each rollout is measured against the mean of the others, undivided; the whole completion is one action."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import LeaveOneOut
from workbench.pieces.ratio import SequenceRatio, TokenRatio
from workbench.pieces.reduction import SequenceMean, TokenMean

RLOO = derive(
    GRPO,
    title="RLOO",
    paper="arXiv:2402.14740; as in TRL",
    equation=r"-\frac1B\sum_i\min\big(\rho_iA_i,\ \mathrm{clip}(\rho_i)A_i\big),\quad"
    r" \rho_i=\prod_t r_{i,t},\quad A_i=R_i-\frac1{G-1}\sum_{j\ne i}R_j",
    changes="the baseline is the mean of the other rollouts, nothing is divided by the standard deviation, and one"
    " clipped ratio stands for the whole completion (the paper is on-policy and has neither ratio nor clip)",
    advantage=LeaveOneOut(),
    ratio=SequenceRatio(normalise=False),
    reduction=SequenceMean(),
    regularisers=(),
)

METHODS = {
    "rloo": RLOO,  # TRL's form
    "rloo_token": derive(
        RLOO,
        title="RLOO, token by token",
        paper="arXiv:2402.14740; as in verl",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big),\quad"
        r" A_i=R_i-\frac1{G-1}\sum_{j\ne i}R_j",
        changes="GRPO's loss with the mean of the other rollouts as baseline, undivided by the deviation",
        ratio=TokenRatio(),
        reduction=TokenMean(),
    ),
}
