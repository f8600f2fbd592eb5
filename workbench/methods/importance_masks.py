"""Corrections of the trainer-inference mismatch as methods: GRPO with truncated, or masked, importance weights.

Any other method takes the same correction in its own slot, as `correction = {piece = "truncated", level = "sequence"}`.
"""

from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.correction import Truncated

METHODS = {
    "grpo_tis": derive(
        GRPO,
        title="GRPO with truncated importance sampling",
        paper="fengyao.notion.site/off-policy-rl; arXiv:1606.02647; verl's rollout_is",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\min\Big(\frac{\pi_{old}(o_{i,t})}{\mu(o_{i,t})},C\Big)"
        r"\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big)",
        changes="every token is weighed by the ratio of the trainer's probability to the engine's, 2 at most, against"
        " the mismatch of the two",
        correction=Truncated(level="token", cap=2.0),
    ),
    "grpo_mis": derive(
        GRPO,
        title="GRPO with masked importance sampling",
        paper="When Speed Kills Stability, yingru.notion.site; TRL's default with vLLM",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}\rho_i\,\mathbb 1[\rho_i\le C]\min\big(r_{i,t}A_i,\ \mathrm{clip}"
        r"(r_{i,t})A_i\big),\quad\rho_i=\prod_t\frac{\pi_{old}(o_{i,t})}{\mu(o_{i,t})}",
        changes="every rollout is weighed by the trainer's probability over the engine's, and left out where that is"
        " above 3, against the mismatch of the two",
        correction=Truncated(level="sequence", cap=3.0, beyond="mask"),
    ),
    "grpo_icepop": derive(
        GRPO,
        title="GRPO with IcePop",
        paper="arXiv:2510.18855, IcePop",
        equation=r"-\frac{1}{\sum_i|o_i|}\sum_{i,t}k_{i,t}\,\mathbb 1[\alpha\le k_{i,t}\le\beta]"
        r"\min\big(r_{i,t}A_i,\ \mathrm{clip}(r_{i,t})A_i\big),\quad k_{i,t}=\frac{\pi_{old}(o_{i,t})}{\mu(o_{i,t})}",
        changes="every token is weighed by the trainer's probability over the engine's, and left out where that is"
        " below 0.5 or above 5, against the mismatch of the two",
        correction=Truncated(level="token", cap=5.0, beyond="mask", floor=0.5),
    ),
}
