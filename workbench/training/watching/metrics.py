"""The metrics of a step: means over rollouts and tokens; also apart, by role and by source of the problem."""

import math
from collections.abc import Iterable, Sequence

import torch

from workbench.training.sampling import Sampled
from workbench.training.step import MISMATCH, Learned
from workbench.training.watching.scored import NAME as SCORED_SHARE
from workbench.training.watching.scored import scored_share
from workbench.types import Group, Rollout


def metrics_of(sampled: Sampled, learned: Learned) -> dict[str, float]:
    """The metrics of a step; one that cannot be computed is omitted.

    Means are over the rollouts that solve problems; those of every other role, and of every source, stand beside them.
    """
    finished = [rollout for rollout in sampled.rollouts if rollout.finish not in ("pruned", "given")]
    rollouts = [rollout for rollout in finished if not rollout.request.role]
    pruned = sum(rollout.finish == "pruned" for rollout in sampled.rollouts)
    count = max(1, len(rollouts))
    found = {
        "reward": mean([rollout.reward for rollout in rollouts]),
        "correct": mean([rollout.outcome for rollout in rollouts]),
        "length": mean([len(rollout.tokens) for rollout in rollouts]),
        "tokens": float(sum(written(rollout) for rollout in sampled.rollouts)),
        "given_tokens": float(sum(len(each.tokens) for each in sampled.rollouts if each.finish == "given")) or math.nan,
        "rollouts": float(len(sampled.rollouts)),
        "truncated": sum(rollout.finish == "length" for rollout in rollouts) / count,
        SCORED_SHARE: scored_share(finished),
        "zero_variance_groups": zero_variance_share(sampled.groups),
        "groups": float(len(sampled.kept)),
        "groups_sampled": float(len(sampled.groups)),
        "loss": mean(learned.losses),
        "grad_norm": mean(learned.norms),
        **apart(finished),
        **{f"reward.{name}": value for name, value in part_means(rollouts or finished).items()},
        **token_metrics(learned),
    }
    if pruned:
        found["pruned"] = float(pruned)
    return {name: value for name, value in found.items() if not math.isnan(value)}


def written(rollout: Rollout) -> int:
    """Tokens that the engine generated."""
    return 0 if rollout.finish == "given" else len(rollout.tokens) - len(rollout.request.prefix)


def zero_variance_share(groups: Sequence[Group]) -> float:
    """The share of the groups that solve problems in which all known rewards are equal; given completions are none."""
    solving = [
        group.rollouts
        for group in groups
        if not all(rollout.request.role or rollout.finish == "given" for rollout in group.rollouts)
    ]
    return mean([float(has_zero_variance(rollouts)) for rollouts in solving])


def has_zero_variance(rollouts: Sequence[Rollout]) -> bool:
    """Whether all known rewards of a group are equal, so that it carries no gradient."""
    rewards = {rollout.reward for rollout in rollouts if not math.isnan(rollout.reward)}
    return len(rewards) < 2


def labels(rollout: Rollout) -> list[str]:
    """Under which names its numbers stand apart: its role and its problem's source.

    A role's sources are told apart within it, as `propose` and `propose.run`.
    """
    role, source = rollout.request.role, rollout.request.problem.source
    return [name for name in (role, ".".join(filter(None, (role, source))) if source else "") if name]


def by_label(rollouts: Iterable[Rollout]) -> dict[str, list[Rollout]]:
    """The rollouts of every role and every source."""
    found: dict[str, list[Rollout]] = {}
    for rollout in rollouts:
        for label in labels(rollout):
            found.setdefault(label, []).append(rollout)
    return found


def apart(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """Reward, correctness and length of every role and every source: `correct.check`; nan where there is none.

    A part of the reward that is called as a role keeps its name: `reward.check` is then the part's.
    """
    found: dict[str, float] = {}
    for label, members in by_label(rollouts).items():
        found[f"reward.{label}"] = mean([rollout.reward for rollout in members])
        found[f"correct.{label}"] = mean([rollout.outcome for rollout in members])
        found[f"length.{label}"] = mean([len(rollout.tokens) for rollout in members])
    return found


def part_means(rollouts: Sequence[Rollout]) -> dict[str, float]:
    """The mean of each reward part over the rollouts it scored."""
    names = dict.fromkeys(name for rollout in rollouts for name in rollout.parts)
    return {name: mean([r.parts[name].value for r in rollouts if name in r.parts]) for name in names}


def token_metrics(learned: Learned) -> dict[str, float]:
    """Means over the trained tokens: entropy, KL, tokens without gradient, the mismatch of engine and trainer.

    `zero_gradient_tokens` is the share of tokens with a non-zero advantage whose lens is zero: clipped by the ratio's
    bounds, or masked by the method. `nll` is the mean negative log-prob of given completions' tokens. mismatch =
    engine's log-prob minus the trainer's, in nats; `mismatch_mean` and `mismatch_p99` are of its absolute value. Since
    the engine sampled the tokens, exp(-mismatch) - 1 + mismatch (Schulman's k3) has the mean KL(engine ‖ trainer):
    `mismatch_kl`, in nats per token.
    """
    tensors, mask = learned.tensors, learned.mask
    if not mask.any():
        return {}
    found: dict[str, float] = {}
    for role in dict.fromkeys(rollout.request.role for rollout in learned.rollouts):
        rows = mask & torch.tensor([rollout.request.role == role for rollout in learned.rollouts])[:, None]
        for name in ("entropy", "kl"):
            if name in tensors and rows.any():
                found[f"{name}.{role}" if role else name] = float(tensors[name][rows].nanmean())
    given = mask & torch.tensor([each.finish == "given" for each in learned.rollouts], dtype=torch.bool)[:, None]
    if given.any():
        found["nll"] = -float(tensors["old_logprob"][given].mean())
    wanted = mask & (tensors["advantage"] != 0)
    if wanted.any():
        found["zero_gradient_tokens"] = float((tensors["lens"][wanted] == 0).float().mean())
    gap = tensors[MISMATCH][mask].double()
    gap = gap[~gap.isnan()]
    if len(gap):
        size = gap.abs()
        ordered = size.sort().values
        found |= {"mismatch_mean": float(size.mean()), "mismatch_p99": float(ordered[int(0.99 * (len(gap) - 1))])}
        found["mismatch_kl"] = float((torch.expm1(-gap) + gap).mean())
    return found


def mean(values: Sequence[float | int]) -> float:
    """Mean of the values that are not nan; nan if there are none."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan
