"""The divergence from the reference as a part of the reward: the k1 estimate, subtracted before any advantage.

In the reward it is k1 that is unbiased and whose policy gradient is that of KL(policy ‖ reference); as losses see
`regulariser.py`. arXiv:2506.09477; John Schulman, "Approximating KL divergence".
"""

from typing import Annotated

from pydantic import Field

from workbench.ops import at_last_token, masked_sum
from workbench.types import Batch, PerRollout, PerToken

RewardKl = Annotated[float, Field(ge=0, description="how much of old_logprob - ref_logprob the reward loses")]


def reads(coefficient: float) -> frozenset[str]:
    """The signals that are read; none with a coefficient of 0."""
    return frozenset({"old_logprob", "ref_logprob"} if coefficient else ())


def token_reward(batch: Batch, coefficient: float) -> PerToken:
    """The reward on the last token, rewards given to single tokens, less coefficient · (old_logprob - ref_logprob).

    0 outside the mask and in unscored rollouts.
    """
    reward = at_last_token(batch.reward, batch.mask)
    if "token_reward" in batch:
        reward = reward + batch["token_reward"]
    if coefficient:
        reward = reward - coefficient * (batch.old_logprob - batch["ref_logprob"])
    return reward


def reward_less_kl(batch: Batch, coefficient: float) -> PerRollout:
    """The reward less coefficient · sum(old_logprob - ref_logprob) over the rollout; nan stays nan."""
    if not coefficient:
        return batch.reward
    return batch.reward - coefficient * masked_sum(batch.old_logprob - batch["ref_logprob"], batch.mask)
