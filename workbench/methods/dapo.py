"""DAPO: four changes to GRPO that can be switched one by one."""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.filters import DynamicSampling
from workbench.pieces.reduction import TokenMean
from workbench.pieces.shaping import Overlong, Scale
from workbench.pieces.surrogate import Clip

METHODS = {
    "dapo": derive(
        GRPO,
        title="DAPO",
        paper="arXiv:2503.14476",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t},1-\varepsilon_{low},"
        r"1+\varepsilon_{high})A_i\big)\quad\text{s.t. } 0<|\{i: o_i\text{ right}\}|<G",
        changes="a wider upper bound, zero-variance groups resampled, every token weighs the same, and"
        " completions near the budget lose reward",
        surrogate=Clip(low=0.2, high=0.28),  # section 4.1: "clip-higher"
        reduction=TokenMean(),  # section 3.3
        regularisers=(),
        filters=(DynamicSampling(),),  # section 3.2
        shaping=(Scale(), Overlong()),  # right 1, wrong -1 (section 2.4); soft overlong punishment (section 3.4)
    )
}
