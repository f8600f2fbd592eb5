"""LUFFY: a reference solution joins each group, weighed by its probability under the policy."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupCentre
from workbench.pieces.demonstration import Demonstrate
from workbench.pieces.off_policy import ProbabilityRatio, Unclipped
from workbench.pieces.reduction import FixedLength, TokenMean
from workbench.pieces.regulariser import EntropyBonus

METHODS = {
    "luffy": derive(
        GRPO,
        title="LUFFY",
        paper="arXiv:2504.14945",
        equation=r"-\frac1{T_{max}}\sum_{i,t}A_i\cdot\begin{cases}r_{i,t}&i\text{ sampled}\\"
        r"\frac{\pi_{i,t}}{\pi_{i,t}+0.1}&i\text{ given}\end{cases},\quad A_i=R_i-\bar R",
        changes="a reference solution joins each group; its tokens are trained most where their probability is near"
        " 0.1, and nothing is clipped or standardised",
        advantage=GroupCentre(),
        ratio=ProbabilityRatio(gamma=0.1),  # all defaults: the authors' exp_scripts/train.sh
        surrogate=Unclipped(),
        reduction=FixedLength(per_rollout=False),
        regularisers=(EntropyBonus(coefficient=0.001, reduction=TokenMean()),),
        controller=Demonstrate(),
    )
}
