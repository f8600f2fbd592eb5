"""BroRL: very many rollouts of a problem, with a baseline per group and a scale over the batch.

Left out: the learning rate's growth with the square root of the batch, which is `training.learning_rate`; the analysis
behind the method is `workbench.analysis.mass_balance`.
"""

from workbench.method import derive
from workbench.methods.reinforce_pp import METHODS as REINFORCE_PP
from workbench.pieces.filters import DynamicSampling
from workbench.pieces.surrogate import Clip

METHODS = {
    "brorl": derive(
        REINFORCE_PP["reinforce_pp_baseline"],
        title="BroRL",
        paper="arXiv:2510.01180",
        equation=r"A_i=\frac{(R_i-\bar R)-\mu_{batch}}{\sigma_{batch}},\quad N=512",
        changes="as REINFORCE++-baseline with a wider upper bound and dynamic sampling; meant for hundreds of rollouts"
        " of a problem (`rollouts.rollouts = 512`)",
        surrogate=Clip(low=0.2, high=0.28),
        filters=(DynamicSampling(),),
    )
}
