"""The next-token logits of a chunk of tokens, with what several signals share computed once."""

from functools import cached_property

from jaxtyping import Float, Int
from torch import Tensor

TOP_K = 5  # alternatives recorded of every token


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
        """The log-probabilities and ids of the most likely tokens in order, each [n, k]."""
        values, ids = self.logprobs.topk(min(TOP_K, self.raw.shape[-1]), dim=-1)
        return values, ids

    def chosen(self, values: Tensor) -> Tensor:
        """The values of the sampled token, [n]."""
        return values.gather(-1, self.tokens[:, None])[:, 0]

    def against(self) -> "Logits":
        """The reference policy's logits of the same tokens."""
        if self.reference is None:
            raise ValueError("this signal compares with a reference policy, and none is loaded")
        return self.reference
