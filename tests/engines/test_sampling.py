"""Drawing by inverse CDF, worked by hand."""

import math

import pytest
import torch

from workbench.engines.sampling import draw, draw_each, nucleus
from workbench.types import Sampling

CHANCES = torch.tensor([0.1, 0.4, 0.0, 0.2, 0.3])


def drawn(uniform: float, **settings: float) -> tuple[int, float, float]:
    """Token and log-probs at one uniform number."""
    answer = draw(CHANCES.log()[None], torch.tensor([uniform], dtype=torch.float64), Sampling(**settings))
    return int(answer.token), float(answer.engine_logprob), float(answer.sampled_logprob)


@pytest.mark.parametrize(("uniform", "token"), [(0.0, 0), (0.09, 0), (0.11, 1), (0.49, 1), (0.51, 3), (0.71, 4)])
def test_the_first_token_whose_cumulative_probability_exceeds_the_uniform(uniform, token):
    found, engine, sampled = drawn(uniform)
    assert found == token
    assert engine == sampled == pytest.approx(math.log(CHANCES[token]), abs=1e-6)


def test_the_largest_uniform_never_gives_an_impossible_token():
    chances = torch.tensor([[0.3, 0.7, 0.0, 0.0]])
    largest = torch.tensor([1 - 2.0**-53], dtype=torch.float64)
    assert int(draw(chances.log(), largest, Sampling()).token) == 1


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"top_k": 1}, {1}),
        ({"top_k": 2}, {1, 4}),
        ({"top_p": 0.4}, {1}),
        ({"top_p": 0.41}, {1, 4}),
        ({"top_p": 0.85}, {1, 3, 4}),
        ({"top_p": 0.6, "top_k": 3}, {1, 4}),  # of .4 + .3 + .2 = .9, .54 is reached by two
        ({"top_k": 5}, {0, 1, 3, 4}),
    ],
)
def test_truncation(settings, kept):
    mask = nucleus(CHANCES[None], Sampling(**settings))[0]
    assert set(torch.nonzero(mask)[:, 0].tolist()) == kept
    found = {drawn(uniform / 100, **settings)[0] for uniform in range(100)}
    assert found == kept
    token, engine, sampled = drawn(0.99, **settings)
    assert engine == pytest.approx(math.log(CHANCES[token]), abs=1e-6)
    assert sampled == pytest.approx(math.log(CHANCES[token] / CHANCES[list(kept)].sum()), abs=1e-6)


def test_of_equal_tokens_the_earlier_is_kept():
    mask = nucleus(torch.full((1, 4), 0.25), Sampling(top_k=2))
    assert mask.tolist() == [[True, True, False, False]]


def test_temperature():
    token, engine, _ = drawn(0.5, temperature=2.0)
    square = CHANCES.sqrt() / CHANCES.sqrt().sum()
    assert token == 3  # cumulated: .17, .51, .51, .75: just past .5 is token 1
    assert engine == pytest.approx(math.log(square[token]), abs=1e-6)


def test_frequencies_follow_the_probabilities():
    uniform = torch.arange(10_000, dtype=torch.float64) / 10_000
    token = draw(CHANCES.log().expand(10_000, 5), uniform, Sampling()).token
    torch.testing.assert_close(token.bincount(minlength=5) / 10_000, CHANCES, atol=2e-4, rtol=0)


def test_every_row_may_have_a_temperature_and_log_probs_stay_those_of_the_runs() -> None:
    uniform = torch.tensor([0.49, 0.49, 0.49], dtype=torch.float64)
    own = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    found = draw_each(CHANCES.log().expand(3, -1), uniform, Sampling(), own)
    squared = CHANCES**2 / (CHANCES**2).sum()  # at temperature 1/2: .0333 .5333 0 .1333 .3
    assert found.token.tolist() == [1, 1, 1]
    assert found.engine_logprob.exp().tolist() == pytest.approx([0.4] * 3)
    assert found.sampled_logprob.exp().tolist() == pytest.approx([0.4, float(squared[1]), 1.0])
    late = draw_each(CHANCES.log().expand(3, -1), uniform + 0.1, Sampling(), own)
    assert late.token.tolist() == [3, 3, 1]  # cumulative .7 and .7; the most likely one whatever the uniform


def test_one_temperature_for_all_draws_as_without() -> None:
    uniform = torch.rand(50, dtype=torch.float64)
    logits = torch.randn(50, 7)
    for settings in ({"temperature": 0.7}, {"temperature": 1.0, "top_p": 0.8}, {"temperature": 1.3, "top_k": 3}):
        sampling = Sampling(**settings)
        plain = draw(logits, uniform, sampling)
        each = draw_each(logits, uniform, sampling, torch.full((50,), sampling.temperature, dtype=torch.float64))
        assert each.token.tolist() == plain.token.tolist()
        torch.testing.assert_close(each.engine_logprob, plain.engine_logprob)
        torch.testing.assert_close(each.sampled_logprob, plain.sampled_logprob)
