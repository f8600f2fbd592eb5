"""Per-token numbers read off the logits, in one registry; the forward pass computes only what is asked for.

Logits are formed in chunks of tokens, so that those of a long sequence never exist at once; where a signal carries
gradient, a chunk's logits are formed again in the backward pass instead of being kept.
"""

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

TOP_K = 5  # alternatives recorded of every token
#: Logits formed at once: chunk × vocabulary; 64 million float32 are 256 MB.
CHUNK_ELEMENTS = 1 << 26
NUCLEUS = 0.9  # share of probability whose entropy `nucleus_entropy` is; SIREN's top-p

Head = Callable[[Tensor], Tensor]


class Logits:
    """The next-token logits of `n` tokens, and what several signals share."""

    def __init__(self, raw: Float[Tensor, "n vocabulary"], tokens: Int[Tensor, " n"], temperature: float) -> None:
        self.raw = raw
        self.tokens = tokens
        self.scaled = raw if temperature == 1.0 else raw / temperature
        self.reference: Logits | None = None

    @cached_property
    def logsumexp(self) -> Tensor:
        """log Σ exp(logit), [n]."""
        return self.scaled.logsumexp(-1)

    @cached_property
    def logprobs(self) -> Tensor:
        """Log-probabilities of the whole vocabulary, [n, vocabulary]."""
        return self.scaled - self.logsumexp[:, None]

    @cached_property
    def probs(self) -> Tensor:
        """Probabilities of the whole vocabulary, [n, vocabulary]."""
        return self.logprobs.exp()

    @cached_property
    def top(self) -> tuple[Tensor, Tensor]:
        """The log-probabilities and ids of the likeliest tokens in order, each [n, k]."""
        values, ids = self.logprobs.topk(min(TOP_K, self.raw.shape[-1]), dim=-1)
        return values, ids

    def chosen(self, values: Tensor) -> Tensor:
        """The column of the token that was written, [n]."""
        return values.gather(-1, self.tokens[:, None])[:, 0]

    def against(self) -> "Logits":
        """The reference policy's logits of the same tokens."""
        if self.reference is None:
            raise ValueError("this signal compares with a reference policy, and none is loaded")
        return self.reference


@dataclass(frozen=True)
class Signal:
    """A number (or `k` numbers) per token, computed from logits."""

    name: str
    compute: Callable[[Logits], Tensor]
    help: str
    reference: bool = False  # compares with the reference policy


SIGNALS: dict[str, Signal] = {}


def signal(name: str, *, reference: bool = False) -> Callable[[Callable[[Logits], Tensor]], Callable[[Logits], Tensor]]:
    """Enters a function into the registry; its docstring is the help shown."""

    def enter(compute: Callable[[Logits], Tensor]) -> Callable[[Logits], Tensor]:
        SIGNALS[name] = Signal(name, compute, compute.__doc__ or "", reference)
        return compute

    return enter


@signal("logprob")
def logprob(logits: Logits) -> Tensor:
    """Log-probability of the token, at the sampling temperature."""
    return logits.chosen(logits.scaled) - logits.logsumexp


@signal("entropy")
def entropy(logits: Logits) -> Tensor:
    """Entropy of the next-token distribution, in nats."""
    return -(logits.probs * logits.logprobs).sum(-1)


@signal("max_prob")
def max_prob(logits: Logits) -> Tensor:
    """Probability of the likeliest token."""
    return logits.top[0][:, 0].exp()


@signal("rank")
def rank(logits: Logits) -> Tensor:
    """How many tokens are likelier than the one written."""
    likelier = torch.gt(logits.scaled, logits.chosen(logits.scaled)[:, None])
    return likelier.sum(-1).to(logits.raw.dtype)


@signal("chosen_logit")
def chosen_logit(logits: Logits) -> Tensor:
    """The raw logit of the token, before the temperature."""
    return logits.chosen(logits.raw)


@signal("logsumexp")
def logsumexp(logits: Logits) -> Tensor:
    """log Σ exp(logit) at the sampling temperature."""
    return logits.logsumexp


@signal("mean_logit")
def mean_logit(logits: Logits) -> Tensor:
    """Mean logit over the vocabulary at the sampling temperature; logsumexp less this is the self-confidence."""
    return logits.scaled.mean(-1)


@signal("collision")
def collision(logits: Logits) -> Tensor:
    """Σp²: the chance that two draws agree."""
    return logits.probs.square().sum(-1)


@signal("nucleus_entropy")
def nucleus_entropy(logits: Logits) -> Tensor:
    """Entropy of the smallest set of likeliest tokens that holds 90 % of the probability, renormalised."""
    likeliest = logits.top[0].exp()
    answer = entropy_of_nucleus(likeliest)
    beyond = (likeliest.sum(-1) < NUCLEUS).nonzero()[:, 0]
    vocabulary = logits.raw.shape[-1]
    for count in (16 * TOP_K, vocabulary):  # a few likeliest mostly hold it, which saves sorting the vocabulary
        if not len(beyond):
            break
        ordered = logits.probs[beyond].topk(min(count, vocabulary), dim=-1).values
        answer = answer.index_copy(0, beyond, entropy_of_nucleus(ordered))
        beyond = beyond[ordered.sum(-1) < NUCLEUS] if count < vocabulary else beyond[:0]
    return answer


def entropy_of_nucleus(ordered: Tensor) -> Tensor:
    """The same of probabilities in falling order that hold the nucleus, [n, k]."""
    before = ordered.cumsum(-1) - ordered
    kept = torch.where(before < NUCLEUS, ordered, 0.0)
    kept = kept / kept.sum(-1, keepdim=True)
    # clamped, since the derivative of x log x at 0 is infinite and would spoil that of all
    return -(kept * kept.clamp(min=torch.finfo(kept.dtype).tiny).log()).sum(-1)


@signal("top_ids")
def top_ids(logits: Logits) -> Tensor:
    """Ids of the likeliest tokens, [n, k]."""
    return logits.top[1].to(logits.raw.dtype)


@signal("top_probs")
def top_probs(logits: Logits) -> Tensor:
    """Probabilities of the likeliest tokens, [n, k]."""
    return logits.top[0].exp()


@signal("kl", reference=True)
def kl(logits: Logits) -> Tensor:
    """Exact KL of the policy from the reference, over the vocabulary, in nats."""
    return (logits.probs * (logits.logprobs - logits.against().logprobs)).sum(-1)


@signal("mean_log_ratio", reference=True)
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


@dataclass(frozen=True)
class Reading:
    """Which signals are wanted of some tokens, and which of them carry gradient."""

    names: Set[str]
    gradient: Set[str] = frozenset()
    temperature: float = 1.0

    def __post_init__(self) -> None:
        unknown = sorted(self.names - SIGNALS.keys())
        if unknown:
            raise ValueError(f"no such signal: {', '.join(unknown)}; there are: {', '.join(sorted(SIGNALS))}")

    @property
    def reference(self) -> bool:
        """Whether a signal compares with the reference policy."""
        return any(SIGNALS[name].reference for name in self.names)


def compute(logits: Logits, names: Iterable[str]) -> dict[str, Tensor]:
    """Signals of one chunk."""
    return {name: SIGNALS[name].compute(logits) for name in names}


@dataclass(frozen=True)
class Source:
    """Hidden states and the heads that turn them into logits: of the policy, and of the reference if needed."""

    hidden: Float[Tensor, "n width"]
    head: Head
    ref_hidden: Float[Tensor, "n width"] | None = None
    ref_head: Head | None = None


def read(source: Source, tokens: Int[Tensor, " n"], reading: Reading) -> dict[str, Tensor]:
    """Every wanted signal of `n` tokens: [n], or [n, k] for the likeliest tokens.

    Signals with gradient are differentiable in `source.hidden` and the head; the others carry none.
    """
    size = chunk_size(source, tokens)
    plain = sorted(reading.names - reading.gradient)
    parts: list[dict[str, Tensor]] = []
    for start in range(0, max(len(tokens), 1), size):
        rows = slice(start, start + size)
        if reading.gradient and len(tokens) > size:
            parts.append(read_again(source, tokens, reading, rows))
            continue
        logits = logits_of(source, tokens, reading, rows)
        found = compute(logits, sorted(reading.gradient))
        with torch.no_grad():
            parts.append({**found, **compute(detached(logits), plain)})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def read_again(source: Source, tokens: Tensor, reading: Reading, rows: slice) -> dict[str, Tensor]:
    """One chunk of several: its logits are not kept for the backward pass but formed again there."""
    names = sorted(reading.gradient)

    def forward(hidden: Tensor) -> tuple[Tensor, ...]:
        ref_hidden = None if source.ref_hidden is None else source.ref_hidden[rows]
        chunk = Source(hidden, source.head, ref_hidden, source.ref_head)
        found = compute(logits_of(chunk, tokens[rows], reading, slice(None)), names)
        return tuple(found[name] for name in names)

    answers = checkpoint(forward, source.hidden[rows], use_reentrant=False, preserve_rng_state=False)
    with torch.no_grad():
        plain = compute(logits_of(source, tokens, reading, rows), sorted(reading.names - reading.gradient))
    return {**dict(zip(names, answers, strict=True)), **plain}


def logits_of(source: Source, tokens: Tensor, reading: Reading, rows: slice) -> Logits:
    """The logits of a chunk, with the reference's beside them where a signal compares."""
    logits = Logits(source.head(source.hidden[rows]), tokens[rows], reading.temperature)
    if reading.reference:
        if source.ref_hidden is None or source.ref_head is None:
            raise ValueError(f"signals {sorted(reading.names)} compare with a reference policy, and none is loaded")
        with torch.no_grad():
            logits.reference = Logits(source.ref_head(source.ref_hidden[rows]), tokens[rows], reading.temperature)
    return logits


def detached(logits: Logits) -> Logits:
    """The same without gradient; what was already computed is kept."""
    plain = Logits(logits.raw.detach(), logits.tokens, 1.0)
    plain.scaled = logits.scaled.detach()
    plain.reference = logits.reference
    for name in ("logsumexp", "logprobs", "probs"):
        if name in logits.__dict__:
            plain.__dict__[name] = logits.__dict__[name].detach()
    return plain


def chunk_size(source: Source, tokens: Tensor) -> int:
    """Tokens whose logits are formed at once."""
    if not len(tokens):
        return 1
    with torch.no_grad():
        vocabulary = source.head(source.hidden[:1]).shape[-1]
    return max(1, CHUNK_ELEMENTS // vocabulary)
