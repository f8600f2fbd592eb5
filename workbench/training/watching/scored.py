"""The share of rollouts that rewards could score: recorded, and watched by two alarms of every run.

An unscored rollout is left out of the update and counts as incorrect in every accuracy, so that being unscored is no
refuge; a policy that finds a way to it shows as a falling share.
"""

from collections.abc import Sequence

from workbench.types import Rollout

NAME = "scored_share"  # of the metric


def scored_share(rollouts: Sequence[Rollout]) -> float:
    """The share of rollouts with a value from every reward.

    Not counted: pruned ones, demonstrations, and untrained ones that no reward is asked about. A rollout that a
    controller scores is missing until it was told its part; that it has no value (a proposal that is held out) is one.
    """
    counted = [
        rollout
        for rollout in rollouts
        if rollout.finish not in ("pruned", "given") and (rollout.request.train or not rollout.request.late)
    ]
    told = [rollout.scored or (rollout.request.late and bool(rollout.parts)) for rollout in counted]
    return sum(told) / len(counted) if counted else 1.0
