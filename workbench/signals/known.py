"""Every signal of the project, and which of them the recorder keeps."""

from collections.abc import Callable

import torch
from torch import Tensor

from workbench.descriptions import PER_TOKEN
from workbench.signals.logits import TOP_K, Logits
from workbench.signals.registry import signal


@signal("logprob", label="log-prob", unit="nats")
def logprob(logits: Logits) -> Tensor:
    """Log-prob of the token at the sampling temperature."""
    return logits.chosen(logits.scaled) - logits.logsumexp


@signal("entropy", unit="nats")
def entropy(logits: Logits) -> Tensor:
    """Entropy of the next-token distribution."""
    return -(logits.probs * logits.logprobs).sum(-1)


@signal("max_prob", label="max prob")
def max_prob(logits: Logits) -> Tensor:
    """Probability of the most likely token."""
    return logits.top[0][:, 0].exp()


@signal("rank")
def rank(logits: Logits) -> Tensor:
    """How many tokens were more likely than the sampled one; 0: it was the most likely."""
    more_likely = torch.gt(logits.scaled, logits.chosen(logits.scaled)[:, None])
    return more_likely.sum(-1).to(logits.raw.dtype)


@signal("chosen_logit", label="logit")
def chosen_logit(logits: Logits) -> Tensor:
    """Raw logit of the token, before the temperature."""
    return logits.chosen(logits.raw)


@signal("logsumexp")
def logsumexp(logits: Logits) -> Tensor:
    """log Σ exp(logit) at the sampling temperature."""
    return logits.logsumexp


@signal("mean_logit")
def mean_logit(logits: Logits) -> Tensor:
    """Mean logit over the vocabulary at the sampling temperature."""
    return logits.scaled.mean(-1)


@signal("self_confidence", unit="nats")
def self_confidence(logits: Logits) -> Tensor:
    """logsumexp less mean logit: KL(uniform ‖ policy) plus the vocabulary's logarithm, in nats; UCAS's confidence."""
    return logits.logsumexp - mean_logit(logits)


@signal("entropy_change")
def entropy_change(logits: Logits) -> Tensor:
    """p (1 - p) (log p + entropy): rate at which raising the token's log-prob lowers the entropy, own term (STEER)."""
    p = logprob(logits).exp()
    return p * (1 - p) * (logprob(logits) + entropy(logits))


@signal("collision", label="collision Σp²")
def collision(logits: Logits) -> Tensor:
    """Σp²: probability that two independent samples are the same token."""
    return logits.probs.square().sum(-1)


@signal("nucleus_entropy", unit="nats", argument=0.9)
def nucleus_entropy(logits: Logits, share: float) -> Tensor:
    """Entropy of the fewest most likely tokens that hold this share of the probability (90 %), renormalised."""
    return over_most_likely(logits, share, lambda ordered: ordered.cumsum(-1) - ordered < share)


@signal("core_entropy", unit="nats", argument=0.8)
def core_entropy(logits: Logits, share: float) -> Tensor:
    """Entropy of the most likely tokens below this share of the probability (80 %), renormalised; 0 if none."""
    return over_most_likely(logits, share, lambda ordered: ordered.cumsum(-1) < share)


def over_most_likely(logits: Logits, share: float, kept: Callable[[Tensor], Tensor]) -> Tensor:
    """Entropy of the most likely tokens that `kept` marks among probabilities in falling order, [n]."""
    most_likely = logits.top[0].exp()
    answer = entropy_of(most_likely, kept(most_likely))
    beyond = (most_likely.sum(-1) < share).nonzero()[:, 0]
    vocabulary = logits.raw.shape[-1]
    for count in (16 * TOP_K, vocabulary):  # a few of them mostly hold it, which saves sorting the vocabulary
        if not len(beyond):
            break
        ordered = logits.probs[beyond].topk(min(count, vocabulary), dim=-1).values
        answer = answer.index_copy(0, beyond, entropy_of(ordered, kept(ordered)))
        beyond = beyond[ordered.sum(-1) < share] if count < vocabulary else beyond[:0]
    return answer


def entropy_of(probabilities: Tensor, kept: Tensor) -> Tensor:
    """Entropy of those kept, renormalised, [n]; 0 where none is. The choice carries no gradient."""
    chosen = torch.where(kept, probabilities, 0.0)
    chosen = chosen / chosen.sum(-1, keepdim=True).clamp(min=1e-9)
    # clamped, since the derivative of x log x at 0 is infinite and would spoil that of all
    return -(chosen * chosen.clamp(min=torch.finfo(chosen.dtype).tiny).log()).sum(-1)


@signal("top_ids", axes=(*PER_TOKEN, "k"))
def top_ids(logits: Logits) -> Tensor:
    """Ids of the most likely tokens, [n, k]."""
    return logits.top[1].to(logits.raw.dtype)


@signal("top_probs", axes=(*PER_TOKEN, "k"))
def top_probs(logits: Logits) -> Tensor:
    """Probabilities of the most likely tokens, [n, k]."""
    return logits.top[0].exp()


@signal("kl", label="KL to reference", unit="nats", reference=True)
def kl(logits: Logits) -> Tensor:
    """Exact KL divergence of the policy from the reference policy, over the whole vocabulary."""
    return (logits.probs * (logits.logprobs - logits.against().logprobs)).sum(-1)


@signal("forward_kl", label="forward KL to reference", unit="nats", reference=True)
def forward_kl(logits: Logits) -> Tensor:
    """Exact KL divergence of the reference policy from the policy: large where the policy forgets what it could do."""
    before = logits.against()
    return (before.probs * (before.logprobs - logits.logprobs)).sum(-1)


@signal("mean_log_ratio", unit="nats", reference=True)
def mean_log_ratio(logits: Logits) -> Tensor:
    """Mean over the vocabulary of log policy/reference."""
    return (logits.logprobs - logits.against().logprobs).mean(-1)


#: What the recorder keeps of every token, whatever the method.
RECORDED = (
    "logprob",
    "entropy",
    "max_prob",
    "rank",
    "chosen_logit",
    "logsumexp",
    "mean_logit",
    "nucleus_entropy",
    "collision",
    "top_ids",
    "top_probs",
)
