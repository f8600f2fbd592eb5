"""Signals against their definitions over full logits, and the chunks in which logits are formed."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from workbench.signals import RECORDED, SIGNALS, Reading, Source, read

N, WIDTH, VOCABULARY = 13, 6, 29
REFERENCE = ("kl", "forward_kl", "mean_log_ratio")
SMOOTH = sorted(SIGNALS.keys() - {"rank", "top_ids", "top_probs"})


def random(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers, doubled so that distributions are peaked."""
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def source(*, reference: bool = True) -> tuple[Source, Tensor, Tensor, Tensor]:
    """A linear policy and reference: the source, its hidden states and head weights (with gradient), the tokens."""
    hidden, weight = random(N, WIDTH, seed=1).requires_grad_(), random(VOCABULARY, WIDTH, seed=2).requires_grad_()
    ref_hidden, ref_weight = random(N, WIDTH, seed=3), random(VOCABULARY, WIDTH, seed=4)
    tokens = torch.randint(VOCABULARY, (N,), generator=torch.Generator().manual_seed(5))
    if not reference:
        return Source(hidden, lambda states: states @ weight.T), hidden, weight, tokens
    both = Source(hidden, lambda states: states @ weight.T, ref_hidden, lambda states: states @ ref_weight.T)
    return both, hidden, weight, tokens


def expected(name: str, temperature: float) -> Tensor:
    """A signal from full logits by its definition, in float64."""
    given, hidden, weight, tokens = source()
    raw = (hidden @ weight.T).detach().double()
    assert given.ref_hidden is not None
    assert given.ref_head is not None
    reference = (given.ref_head(given.ref_hidden).double() / temperature).log_softmax(-1)
    scaled = raw / temperature
    log = scaled.log_softmax(-1)
    p = log.exp()
    chosen = log[torch.arange(N), tokens]
    top = log.sort(-1, descending=True)
    formulas: dict[str, Callable[[], Tensor]] = {
        "logprob": lambda: chosen,
        "entropy": lambda: -(p * log).sum(-1),
        "max_prob": lambda: p.max(-1).values,
        "rank": lambda: (log > chosen[:, None]).sum(-1).double(),
        "chosen_logit": lambda: raw[torch.arange(N), tokens],
        "logsumexp": lambda: scaled.exp().sum(-1).log(),
        "mean_logit": lambda: scaled.mean(-1),
        "self_confidence": lambda: -log.mean(-1),
        "entropy_change": lambda: own_term(raw / temperature, tokens),
        "collision": lambda: (p * p).sum(-1),
        "nucleus_entropy": lambda: torch.stack([nucleus(row, 0.9, crossing=True) for row in p]),
        "nucleus_entropy:0.35": lambda: torch.stack([nucleus(row, 0.35, crossing=True) for row in p]),
        "core_entropy": lambda: torch.stack([nucleus(row, 0.8, crossing=False) for row in p]),
        "core_entropy:0.999": lambda: torch.stack([nucleus(row, 0.999, crossing=False) for row in p]),
        "top_ids": lambda: top.indices[:, :5].double(),
        "top_probs": lambda: top.values[:, :5].exp(),
        "kl": lambda: (p * (log - reference)).sum(-1),
        "mean_log_ratio": lambda: (log - reference).mean(-1),
        "forward_kl": lambda: (reference.exp() * (reference - log)).sum(-1),
    }
    return formulas[name]()


def own_term(logits: Tensor, tokens: Tensor) -> Tensor:
    """Minus the derivative of the entropy by the written token's logit, times 1 - p: what is the token's own of it."""
    logits = logits.clone().requires_grad_()
    entropy = -(logits.softmax(-1) * logits.log_softmax(-1)).sum()
    (slope,) = torch.autograd.grad(entropy, logits)
    places = torch.arange(N), tokens
    return -slope[places] * (1 - logits.detach().softmax(-1)[places])


def nucleus(p: Tensor, share: float, *, crossing: bool) -> Tensor:
    """Entropy of the likeliest tokens up to a share of the probability, one token at a time."""
    kept: list[float] = []
    for probability in sorted(p.tolist(), reverse=True):
        if sum(kept) + (0.0 if crossing else probability) >= share:
            break
        kept.append(probability)
    shares = [probability / sum(kept) for probability in kept]
    return torch.tensor(-sum(share * math.log(share) for share in shares), dtype=torch.float64)


@pytest.mark.parametrize("temperature", [1.0, 0.7])
@pytest.mark.parametrize("name", [*sorted(SIGNALS), "nucleus_entropy:0.35", "core_entropy:0.999"])
def test_a_signal_is_what_its_definition_says(name: str, temperature: float) -> None:
    given, _, _, tokens = source()
    found = read(given, tokens, Reading(frozenset({name}), temperature=temperature))[name]
    assert not found.requires_grad
    torch.testing.assert_close(found.double(), expected(name, temperature), atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("name", SMOOTH)
def test_every_smooth_signal_has_a_finite_gradient(name: str) -> None:
    given, hidden, weight, tokens = source()
    reading = Reading(frozenset({name}), frozenset({name}))
    gradients = torch.autograd.grad(read(given, tokens, reading)[name].sum(), [hidden, weight])
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)
    step = 1e-3 * torch.randn(N, WIDTH, generator=torch.Generator().manual_seed(9)).double()

    def at(states: Tensor) -> Tensor:
        assert given.ref_head is not None
        assert given.ref_hidden is not None
        double = Source(
            states, lambda h: h @ weight.detach().double().T, given.ref_hidden.double(), lambda h: given_head(h)
        )
        return read(double, tokens, Reading(frozenset({name})))[name].sum()

    def given_head(states: Tensor) -> Tensor:
        return states @ random(VOCABULARY, WIDTH, seed=4).double().T

    centre = hidden.detach().double()
    change = (at(centre + step) - at(centre - step)) / 2
    torch.testing.assert_close((gradients[0].double() * step).sum(), change, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("elements", [1, 2 * VOCABULARY, 5 * VOCABULARY])
def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch, elements: int) -> None:
    gradient = frozenset({"logprob", "entropy", "kl"})
    reading = Reading(frozenset({*RECORDED, *REFERENCE}), gradient, temperature=0.8)
    answers = []
    for size in (10**9, elements):
        monkeypatch.setattr("workbench.signals.reading.CHUNK_ELEMENTS", size)
        given, hidden, weight, tokens = source()
        found = read(given, tokens, reading)
        loss = sum((found[name] * torch.arange(N)).sum() for name in sorted(gradient))
        answers.append((found, torch.autograd.grad(loss, [hidden, weight])))
    (whole, whole_gradient), (cut, cut_gradient) = answers
    assert whole.keys() == cut.keys() == {*RECORDED, *REFERENCE}
    for name in whole:
        assert whole[name].requires_grad == cut[name].requires_grad == (name in gradient), name
        torch.testing.assert_close(cut[name], whole[name], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(cut_gradient, whole_gradient, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("gradient", [frozenset(), frozenset({"logprob"})])
def test_logits_never_exceed_the_chunk(monkeypatch: pytest.MonkeyPatch, gradient: frozenset[str]) -> None:
    monkeypatch.setattr("workbench.signals.reading.CHUNK_ELEMENTS", 3 * VOCABULARY)
    _, hidden, weight, tokens = source(reference=False)
    sizes: list[int] = []

    def head(states: Tensor) -> Tensor:
        sizes.append(len(states))
        return states @ weight.T

    found = read(Source(hidden, head), tokens, Reading(frozenset({"logprob", "entropy"}), gradient))
    if gradient:
        kept: list[int] = []

        def watch(saved: Tensor) -> Tensor:
            kept.append(saved.numel())
            return saved

        with torch.autograd.graph.saved_tensors_hooks(watch, lambda saved: saved):
            found = read(Source(hidden, head), tokens, Reading(frozenset({"logprob"}), gradient))
        assert max(kept, default=0) <= max(hidden.numel(), weight.numel())  # no logits are kept
        found["logprob"].sum().backward()
    assert max(sizes) == 3
    assert sum(sizes) >= N


def test_no_tokens_give_no_numbers() -> None:
    given, hidden, _, tokens = source(reference=False)
    empty = read(Source(hidden[:0], given.head), tokens[:0], Reading(frozenset({"logprob", "top_ids"})))
    assert empty["logprob"].shape == (0,)
    assert empty["top_ids"].shape == (0, 5)


def test_unknown_and_impossible_signals_are_refused() -> None:
    for name in ("entropie", "entropy:0.8", "nucleus_entropy:", "nucleus_entropy:most"):
        with pytest.raises(ValueError, match=f"no such signal: {name}; there are: .*entropy"):
            Reading(frozenset({name}))
    given, _, _, tokens = source(reference=False)
    with pytest.raises(ValueError, match="compare with a reference policy, and none is loaded"):
        read(given, tokens, Reading(frozenset({"kl"})))


@pytest.mark.parametrize("elements", [1, 5 * VOCABULARY, 1000 * VOCABULARY])
@pytest.mark.parametrize("gradient", [{"logprob"}, {"logprob", "entropy", "kl"}, {"logprob", "top_probs"}])
def test_behind_a_frozen_head_the_gradient_is_the_same(
    monkeypatch: pytest.MonkeyPatch, elements: int, gradient: set[str]
) -> None:
    monkeypatch.setattr("workbench.signals.reading.CHUNK_ELEMENTS", elements)
    given, hidden, weight, tokens = source()
    names = {*gradient, "max_prob", "kl"}

    def pulled() -> Tensor:
        found = read(given, tokens, Reading(names, frozenset(gradient), 0.7))
        assert not found["max_prob"].requires_grad
        weights = {name: random(*found[name].shape, seed=len(name)) for name in sorted(gradient)}
        hidden.grad = None
        sum((weights[name] * found[name]).sum() for name in weights).backward()
        assert hidden.grad is not None
        return hidden.grad.clone()

    trained = pulled()
    weight.requires_grad_(False)
    torch.testing.assert_close(pulled(), trained, atol=1e-4, rtol=1e-4)


def test_behind_a_frozen_head_no_logits_are_formed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.signals.reading.CHUNK_ELEMENTS", 5 * VOCABULARY)
    given, _, weight, tokens = source(reference=False)
    weight.requires_grad_(False)
    formed = []

    def head(states: Tensor) -> Tensor:
        formed.append(len(states))
        return given.head(states)

    read(Source(given.hidden, head), tokens, Reading({"logprob"}, {"logprob"}))["logprob"].sum().backward()
    assert sum(formed) == N + 1, "each token once, and one to learn the vocabulary's size"
