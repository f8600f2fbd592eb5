"""1-shot RLVR: a single problem, chosen by how much its success varied, repeated to fill every step."""

import statistics
from collections.abc import Mapping, Sequence

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.regulariser import K3, EntropyBonus
from workbench.pieces.sampler import Chosen


def by_variance(histories: Mapping[str, Sequence[int | float]]) -> list[str]:
    """Problems by the deviation of their accuracy over a pilot run's epochs, most varied first; ties keep their order.

    >>> by_variance({"a": [0, 0.5, 1], "b": [0.5, 0.5, 0.5], "c": [0, 1, 0]})
    ['c', 'a', 'b']
    """
    return sorted(histories, key=lambda key: -statistics.pstdev(histories[key]))


METHODS = {
    "one_shot": derive(
        GRPO,
        title="1-shot RLVR",
        paper="arXiv:2504.20571",
        equation=r"\mathcal L_{clip}+\beta\,\overline{k_3}-\alpha\,\bar H,\quad "
        r"\text{on }\arg\max_q\mathrm{std}_e(s_{q,e})",
        changes="one problem fills every step, and an entropy bonus keeps its completions diverse",
        regularisers=(K3(coefficient=0.001), EntropyBonus(coefficient=0.001)),  # the authors' scripts
        sampler=Chosen(),
    )
}
