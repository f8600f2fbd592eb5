"""Dr. GRPO: GRPO without its two divisions, by the deviation of the rewards and by the length of the completion."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupCentre
from workbench.pieces.reduction import FixedLength

METHODS = {
    "dr_grpo": derive(
        GRPO,
        title="Dr. GRPO",
        paper="arXiv:2503.20783",
        equation=r"-\frac{1}{G\,L_{max}}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big),"
        r"\quad A_i=R_i-\bar R",
        changes="no division by the rewards' standard deviation or the completion's length; a constant divides instead",
        advantage=GroupCentre(),
        reduction=FixedLength(),  # the generation budget: 3000 in the paper's runs
    )
}
