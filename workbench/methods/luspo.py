"""LUSPO: GSPO with each rollout's loss multiplied by its length, so that long completions are not held back."""

from workbench.method import derive
from workbench.methods.gspo import METHODS as GSPO
from workbench.pieces.reduction import SequenceSum
from workbench.pieces.surrogate import Clip

METHODS = {
    "luspo": derive(
        GSPO["gspo"],
        title="LUSPO",
        paper="arXiv:2602.05261",
        equation=r"-\frac1G\sum_i |o_i|\min\big(s_iA_i,\ \mathrm{clip}(s_i)A_i\big)",
        changes="one ratio per rollout as in GSPO, and a token's gradient weight does not shrink with the"
        " completion's length",
        surrogate=Clip(low=2e-3, high=2.5e-3),  # section 5.1
        reduction=SequenceSum(),
    )
}
