"""The share of rollouts that rewards could score: bounded, recorded, and watched for falls.

An unscored rollout is left out of the update and counts as incorrect in every accuracy, so that being unscored is no
refuge; a policy that finds a way to it shows as a falling share.
"""

from collections.abc import Sequence

from workbench.types import Rollout, State

NAME = "scored_share"  # of the metric, and among the trainer's states
RECENT = 20  # steps whose mean a step is compared with
EARLIEST = 5  # steps before the first comparison
FALL = 0.02  # of the share, below that mean


def scored_share(rollouts: Sequence[Rollout]) -> float:
    """The share of rollouts with a value from every reward.

    Not counted: pruned ones, demonstrations, and untrained ones that no reward is asked about.
    """
    counted = [
        rollout
        for rollout in rollouts
        if rollout.finish not in ("pruned", "given") and (rollout.request.train or not rollout.request.late)
    ]
    return sum(rollout.scored for rollout in counted) / len(counted) if counted else 1.0


def refuse(share: float, limit: float, events: Sequence[str]) -> None:
    """ValueError where a larger share than `limit` of a step is unscored; names the first reason among the events."""
    if 1 - share > limit + 1e-9:
        first = next(iter(events), "no reward gave a reason")
        raise ValueError(
            f"{1 - share:.0%} of the step's rollouts are unscored, more than training.unscored = {limit:g} allows; "
            f"first reason: {first}"
        )


def watch(state: State, share: float) -> tuple[State, list[str]]:
    """The state after a step, and an event where the share fell by more than 2 points below its recent mean.

    >>> watch({"recent": [1.0] * 6}, 0.97)[1]
    ['the share of scored rollouts fell to 97.0%, from 100.0% on average over the last 6 steps']
    >>> watch({"recent": [1.0] * 6}, 0.99)[1], watch({}, 0.5)[1]
    ([], [])
    """
    recent = list(state.get("recent", ()))
    usual = sum(recent) / len(recent) if len(recent) >= EARLIEST else share
    events = []
    if share < usual - FALL:
        events.append(
            f"the share of scored rollouts fell to {share:.1%}, from {usual:.1%} on average over the last "
            f"{len(recent)} steps"
        )
    return {"recent": [*recent, share][-RECENT:]}, events
