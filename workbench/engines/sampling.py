"""From logits and one uniform number to a token and its two log-probabilities."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.types import Sampling


@dataclass(frozen=True)
class Draw:
    """One token per row."""

    token: Int[Tensor, " row"]
    engine_logprob: Float[Tensor, " row"]  # of the untruncated distribution
    sampled_logprob: Float[Tensor, " row"]  # of the distribution sampled from


def draw(logits: Float[Tensor, "row vocabulary"], uniform: Float[Tensor, " row"], sampling: Sampling) -> Draw:
    """Inverse CDF: the first token, in the vocabulary's order, whose cumulative probability exceeds the uniform.

    At temperature 0 the most likely token; its `engine_logprob` is then taken at temperature 1.
    """
    if sampling.temperature == 0.0:
        logprob = logits.log_softmax(-1)
        best = logprob.max(-1)
        return Draw(best.indices, best.values, torch.zeros_like(best.values))
    logprob = (logits if sampling.temperature == 1.0 else logits / sampling.temperature).log_softmax(-1)
    probability = logprob.exp()
    truncated = sampling.top_p < 1.0 or 0 < sampling.top_k < logits.shape[-1]
    if truncated:
        probability = torch.where(nucleus(probability, sampling), probability, 0.0)
    token, total = invert(probability, uniform)
    chosen = logprob.gather(-1, token[:, None])[:, 0]
    sampled = chosen - total.log().to(chosen.dtype) if truncated else chosen
    return Draw(token, chosen, sampled)


def draw_each(
    logits: Float[Tensor, "row vocabulary"],
    uniform: Float[Tensor, " row"],
    sampling: Sampling,
    temperature: Float[Tensor, " row"],
) -> Draw:
    """As `draw`, with a temperature for every row; `engine_logprob` stays that of the run's own temperature."""
    greedy = temperature == 0
    scaled = logits / torch.where(greedy, 1.0, temperature).to(logits.dtype)[:, None]
    probability = scaled.softmax(-1)
    if sampling.top_p < 1.0 or 0 < sampling.top_k < logits.shape[-1]:
        probability = torch.where(nucleus(probability, sampling), probability, 0.0)
    token, total = invert(probability, uniform)
    token = torch.where(greedy, logits.argmax(-1), token)
    engine = (logits / (sampling.temperature or 1.0)).log_softmax(-1).gather(-1, token[:, None])[:, 0]
    sampled = scaled.log_softmax(-1).gather(-1, token[:, None])[:, 0] - total.log().to(scaled.dtype)
    return Draw(token, engine, torch.where(greedy, 0.0, sampled))


def invert(probability: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """The token [row] at which the cumulative probability first exceeds uniform x total, and the total [row].

    Summed in float64 where the device has it: with 150,000 tokens float32 would misplace the rare ones.
    """
    wide = torch.float32 if probability.device.type == "mps" else torch.float64
    cumulative = probability.cumsum(-1, dtype=wide)
    total = cumulative[:, -1]
    # below the total even after rounding, so that the token found has a probability above 0
    target = torch.minimum(uniform.to(wide) * total, torch.nextafter(total, torch.zeros_like(total)))
    token = torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]
    return token, total


def nucleus(probability: Tensor, sampling: Sampling) -> Tensor:
    """Tokens that may be sampled, [row, vocabulary]: the `top_k` most likely, of these the fewest that reach `top_p`.

    Of equal tokens the one earlier in the vocabulary comes first. top-p: Holtzman et al., arXiv:1904.09751.
    """
    order = probability.sort(dim=-1, descending=True, stable=True)
    ranked = order.values
    if 0 < sampling.top_k < ranked.shape[-1]:
        ranked = torch.where(torch.arange(ranked.shape[-1], device=ranked.device) < sampling.top_k, ranked, 0.0)
    before = ranked.cumsum(-1) - ranked
    kept = (ranked > 0) & (before < sampling.top_p * ranked.sum(-1, keepdim=True))
    return torch.zeros_like(kept).scatter(-1, order.indices, kept)
