"""The quality head at test time: its scores of finished rollouts weight their votes. ARRoL, arXiv:2603.24840.

The head was taught at the detection length, so a rollout is read there too, or at its last token if it ended before;
read at the last token it does not tell right from wrong. With the judged rollouts of each problem, `groups`:

    scores = pruner.appraise(trainer.states["pruner"], trainer.policy, sum(groups, []))
    numbers = compare(ballots(groups, "exact", scores))  # both from workbench.analysis.vote

`compare` answers the shares of problems that one rollout, the majority, and the votes weighed by rank get right;
`workbench eval` does this for runs that were pruned.
"""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.pruning import quality
from workbench.types import Policy, Rollout, State

TOKENS = 8192  # most padded tokens of a forward pass


def quality_scores(
    state: State, policy: Policy, rollouts: Sequence[Rollout], *, length: int, min_auc: float
) -> list[float]:
    """The head's score of each rollout, in [0, 1], in their order; `state` is the pruner's.

    It is read at its token number `length`. ValueError where the head has not been taught yet, or does not tell right
    from wrong: its AUC on held-out labels is below `min_auc`.
    """
    if not state.get("head"):
        raise ValueError("the pruner has no quality head yet: no scored rollout has finished; train further")
    if state["auc"] is None or state["auc"] < min_auc:
        known = "unknown" if state["auc"] is None else f"{state['auc']:.2f}"
        raise ValueError(f"the quality head's AUC is {known}, below min_auc = {min_auc:g}: take the majority")
    return score(state, states_at(policy, rollouts, length)).tolist()


def score(state: State, hidden: Float[Tensor, "n width"]) -> Float[Tensor, " n"]:
    """The head's scores of last hidden states."""
    return quality.scores(state["head"], hidden.detach().float().cpu())


@torch.no_grad()
def states_at(policy: Policy, rollouts: Sequence[Rollout], length: int | None) -> Float[Tensor, "n width"]:
    """The last hidden state of each rollout at its token number `length`, or at its last if it has fewer (or None)."""
    texts = [rollout.prompt + tuple(rollout.tokens[:length]) for rollout in rollouts]
    found: dict[int, Tensor] = {}
    for rows in batches([len(text) for text in texts]):
        longest = max(len(texts[row]) for row in rows)
        tokens = torch.tensor([texts[row] + (0,) * (longest - len(texts[row])) for row in rows], device=policy.device)
        hidden = policy.hidden(tokens)
        for place, row in enumerate(rows):
            found[row] = hidden[place, len(texts[row]) - 1].float().cpu()
    return torch.stack([found[row] for row in range(len(texts))])


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of similar length together, at most TOKENS padded tokens each.

    >>> list(batches([3, 8000, 2]))
    [[2, 0], [1]]
    """
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if rows and (len(rows) + 1) * lengths[row] > TOKENS:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows
