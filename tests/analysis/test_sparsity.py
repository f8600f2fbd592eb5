"""Shares of unchanged weights, norms and ranks: the worked numbers of published tools, and sizes that differ."""

import itertools
import math

import pytest
import torch

from workbench.analysis.sparsity import FACTORS, change, grouped, place_of, spectrum, total, unchanged

DICE = torch.Generator().manual_seed(0)
START = torch.randn(100_000, generator=DICE) * 0.02


def moved(size: float):
    """The shares of weights that a normal update of this size leaves unchanged."""
    delta = torch.randn(len(START), generator=DICE) * size
    return change("weight", START, delta).unchanged[0].shares(len(START))


def test_sparsity_is_an_effect_of_storage():
    small, large = moved(2e-6), moved(3e-4)
    assert small["exact"] < 0.001
    assert small["tolerance"] == pytest.approx(1.0, abs=1e-3)
    assert small["bfloat16"] == pytest.approx(0.942, abs=0.005)
    assert small["bfloat16_tolerance"] == pytest.approx(0.973, abs=0.005)
    assert large["exact"] < 0.001
    assert large["bfloat16"] == pytest.approx(0.117, abs=0.005)


def test_the_same_change_made_smaller_leaves_more_unchanged_only_where_numbers_are_coarse():
    found = total([change("weight", START, torch.randn(len(START), generator=DICE) * 3e-4)]).document()
    rows = found["scaled"]
    assert [row["factor"] for row in rows] == list(FACTORS)
    assert all(a["bfloat16"] < b["bfloat16"] for a, b in itertools.pairwise(rows))
    assert rows[-1]["bfloat16"] > 0.9 > 0.01 > rows[-1]["exact"]


def test_every_weight_counts_the_same_whatever_its_tensor():
    parts = []
    for name, size, moves in (("layers.0.a.weight", 1000, 50), ("layers.1.b.weight", 10, 5)):
        delta = torch.zeros(size)
        delta[:moves] = 1.0
        parts.append(change(name, torch.ones(size), delta))
    found = total(parts).document()
    assert found["unchanged"]["exact"] == pytest.approx(955 / 1010)
    assert found["changed"]["exact"] == pytest.approx(55 / 1010)
    assert found["norm"] == pytest.approx(math.sqrt(55))
    assert found["relative_norm"] == pytest.approx(math.sqrt(55 / 1010))
    assert {layer: each.size for layer, each in grouped(parts, lambda each: each.layer).items()} == {0: 1000, 1: 10}
    with pytest.raises(ValueError, match="no weights to compare"):
        total([])


def test_sparse_is_not_of_low_rank():
    sparse = torch.randn(100, 1000, generator=DICE) * (torch.rand(100, 1000, generator=DICE) < 0.1)
    assert spectrum(sparse)["rank"] == 100 == spectrum(sparse.T)["rank"]


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_the_rank_is_that_of_torch(rank):
    delta = torch.randn(40, rank, generator=DICE) @ torch.randn(rank, 25, generator=DICE)
    found = spectrum(delta)
    assert found["rank"] == rank == int(torch.linalg.matrix_rank(delta))
    assert found["full"] == 25
    if rank == 1:
        assert (found["directions"], round(found["first"], 6)) == (1, 1.0)


def test_names_tell_layer_and_kind():
    assert place_of("base_model.model.model.layers.12.mlp.up_proj.weight") == (12, "mlp.up_proj")
    assert place_of("transformer.h.2.attn.c_attn.weight") == (2, "attn.c_attn")
    assert place_of("model.embed_tokens.weight") == (None, "embed_tokens")


def test_shapes_must_agree_and_vectors_have_no_rank():
    with pytest.raises(ValueError, match=r"norm: a change of shape \(3,\) of weights of \(4,\)"):
        change("norm", torch.ones(4), torch.ones(3))
    assert change("norm", torch.ones(4), torch.ones(4)).rank is None
    assert unchanged(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.1])).exact == 1
