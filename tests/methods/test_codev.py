"""CodeV-R1's adaptive sampler: the card's draws, step by step."""

import pytest

from tests.methods.rounds import scored
from workbench.kinds import Pool
from workbench.methods.codev import AsManyAsNeeded
from workbench.types import Group

MIXED, DULL = scored(0, [1.0, 0.0]), scored(1, [1.0, 1.0])


def pool(count: int, step: int) -> Pool:
    return Pool(None, count, 16, step, lambda index: 0.5)


def played(piece: AsManyAsNeeded, wanted: int, rates: list[float]) -> tuple[list[list[int]], list[float]]:
    """What is drawn in every step where such a share of it is kept, and the ratio after it."""
    state, drawn, ratios = piece.init(), [], []
    for step, rate in enumerate(rates, start=1):
        groups, draws, kept = list[Group](), list[int](), 0
        for _ in range(20):
            picks, state = piece(state, pool(wanted - kept, step))
            found = round(rate * len(picks))
            groups += [MIXED] * found + [DULL] * (len(picks) - found)
            draws.append(len(picks))
            kept += found
            if kept >= wanted:
                break
        state = piece.learn(state, groups)
        drawn.append(draws)
        ratios.append(state["ratio"])
    return drawn, ratios


def test_the_cards_draws() -> None:
    drawn, ratios = played(AsManyAsNeeded(multiple=128), 128, [0.45, 0.40, 0.35])
    assert drawn == [[128, 256], [384], [384]]
    assert ratios == pytest.approx([0.4505, 0.401, 0.349], abs=5e-4)


def test_draws_are_bounded_where_nothing_is_kept() -> None:
    drawn, ratios = played(AsManyAsNeeded(most=4.0), 8, [0.0, 1.0])
    assert drawn[0] == [8] + [32] * 19
    assert ratios == [0.0, 0.0]
    assert drawn[1] == [32]


def test_a_step_that_keeps_all_draws_what_it_needs() -> None:
    assert played(AsManyAsNeeded(), 16, [1.0, 1.0]) == ([[16], [16]], [1.0, 1.0])
    picks, state = AsManyAsNeeded()(AsManyAsNeeded().init(), pool(4, 1))
    assert [pick.number for pick in picks] == [0, 1, 2, 3]
    assert [pick.number for pick in AsManyAsNeeded()(state, pool(2, 2))[0]] == [4, 5]
