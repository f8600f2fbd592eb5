"""Reads signals off hidden states: logits are formed in chunks of tokens, so that those of a long sequence never exist
at once. What a gradient needs is not kept as logits either: with a head that is not trained (LoRA), the slope of every
signal in its token's hidden state is formed in the same pass; else a chunk's logits are formed again in the backward
pass.
"""

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from workbench.signals.logits import Logits
from workbench.signals.registry import SIGNALS

#: Logits formed at once: chunk × vocabulary; 64 million float32 are 256 MB.
CHUNK_ELEMENTS = 1 << 26
#: The same where a chunk should stay in a CPU's caches, and the allocator should use its memory again: 16 MB.
CACHED_ELEMENTS = 1 << 22

Head = Callable[[Tensor], Tensor]


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
    return {name: SIGNALS[name](logits) for name in names}


@dataclass(frozen=True)
class Source:
    """Hidden states and the heads that turn them into logits: of the policy, and of the reference if needed."""

    hidden: Float[Tensor, "n width"]
    head: Head
    ref_hidden: Float[Tensor, "n width"] | None = None
    ref_head: Head | None = None


def read(source: Source, tokens: Int[Tensor, " n"], reading: Reading) -> dict[str, Tensor]:
    """Every wanted signal of `n` tokens: [n], or [n, k] for the most likely tokens.

    Signals with gradient are differentiable in `source.hidden` and the head; the others carry none.
    """
    size, frozen = look(source, tokens)
    sloped = frozen and bool(reading.gradient)
    plain = sorted(reading.names - reading.gradient)
    parts: list[dict[str, Tensor]] = []
    for start in range(0, max(len(tokens), 1), size):
        rows = slice(start, start + size)
        if sloped and (part := read_slopes(source, tokens, reading, rows)):
            parts.append(part)
            continue
        if reading.gradient and len(tokens) > size:
            parts.append(read_again(source, tokens, reading, rows))
            continue
        logits = logits_of(source, tokens, reading, rows)
        found = compute(logits, sorted(reading.gradient))
        with torch.no_grad():
            parts.append({**found, **compute(detached(logits), plain)})
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def read_slopes(source: Source, tokens: Tensor, reading: Reading, rows: slice) -> dict[str, Tensor]:
    """One chunk behind a head that is not trained; nothing if a signal with gradient is no single number a token.

    A token's signal depends on its own hidden state alone, so the gradient of the signal's sum over the chunk is every
    token's slope, and the backward pass is a product with it: no logits are kept, none are formed twice.
    """
    names = sorted(reading.gradient)
    hidden = source.hidden[rows]
    with torch.enable_grad():
        leaf = hidden.detach().requires_grad_()
        chunk = Source(
            leaf, source.head, None if source.ref_hidden is None else source.ref_hidden[rows], source.ref_head
        )
        logits = logits_of(chunk, tokens[rows], reading, slice(None))
        found = compute(logits, names)
        if any(values.dim() != 1 for values in found.values()):
            return {}
        slopes = [torch.autograd.grad(found[name].sum(), leaf, retain_graph=True)[0] for name in names]
    with torch.no_grad():
        plain = compute(detached(logits), sorted(reading.names - reading.gradient))
    parts = zip(names, slopes, strict=True)
    return {**{name: Sloped.apply(hidden, found[name].detach(), slope) for name, slope in parts}, **plain}


class Sloped(torch.autograd.Function):
    """Numbers [n] of hidden states [n, width] whose derivatives [n, width] are known."""

    @staticmethod
    def forward(context: Any, hidden: Tensor, values: Tensor, slope: Tensor) -> Tensor:
        """The numbers."""
        context.save_for_backward(slope)
        return values.clone()

    @staticmethod
    def backward(context: Any, *gradients: Any) -> tuple[Tensor, None, None]:
        """Of the hidden states."""
        (slope,) = context.saved_tensors
        return gradients[0][:, None].to(slope.dtype) * slope, None, None


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


def look(source: Source, tokens: Tensor) -> tuple[int, bool]:
    """How many tokens' logits are formed at once, and whether the head is not trained."""
    if not len(tokens):
        return 1, False
    logits = source.head(source.hidden[:1].detach())
    frozen = not logits.requires_grad
    return rows_at_once(logits.shape[-1], cached=frozen and logits.device.type == "cpu"), frozen


def rows_at_once(vocabulary: int, *, cached: bool) -> int:
    """Tokens whose logits are formed at once; `cached`: on a CPU, where nothing is formed twice in smaller chunks."""
    elements = min(CHUNK_ELEMENTS, CACHED_ELEMENTS) if cached else CHUNK_ELEMENTS
    return max(1, elements // vocabulary)
