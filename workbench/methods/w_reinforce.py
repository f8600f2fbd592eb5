"""PSR, NSR, W-REINFORCE: train on correct completions alone, on incorrect ones, or on both with unequal weights."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import Label
from workbench.pieces.reduction import ActiveTokenMean, TokenMean
from workbench.pieces.regulariser import EntropyBonus

PSR = derive(
    GRPO,
    title="PSR",
    paper="arXiv:2506.01347, positive sample reinforcement",
    equation=r"-\frac{1}{\sum_{i:R_i=1}|o_i|}\sum_{i:R_i=1}\sum_t\min\big(r_{i,t},\ \mathrm{clip}(r_{i,t})\big)",
    changes="no baseline: correct completions are made more likely, incorrect ones left out; a small entropy bonus",
    advantage=Label(right=1.0, wrong=0.0),
    reduction=ActiveTokenMean(),
    regularisers=(EntropyBonus(coefficient=0.001),),  # run script; over the tokens that are trained
    group_size=1,
)

METHODS = {
    "psr": PSR,
    "nsr": derive(
        PSR,
        title="NSR",
        paper="arXiv:2506.01347, negative sample reinforcement",
        equation=r"\frac{1}{\sum_{i:R_i=0}|o_i|}\sum_{i:R_i=0}\sum_t\max\big(r_{i,t},\ \mathrm{clip}(r_{i,t})\big)",
        changes="no baseline: incorrect completions are made less likely, correct ones left out; a small entropy bonus",
        advantage=Label(right=0.0, wrong=1.0),
    ),
    "w_reinforce": derive(
        PSR,
        title="W-REINFORCE",
        paper="arXiv:2506.01347, weighted",
        equation=r"A_i=\lambda\,\mathbb 1[R_i=1]-\mathbb 1[R_i=0],\quad\lambda=0.1",
        changes="no baseline: incorrect completions count in full, correct ones a tenth as much; a small entropy bonus",
        advantage=Label(right=0.1, wrong=1.0),  # lambda of section 4
        reduction=TokenMean(),
    ),
}
