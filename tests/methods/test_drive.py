"""DRIVE's second stage: the card's phases by hand, from a survey and from later visits."""

import pytest

from workbench.kinds import Pool
from workbench.methods.drive import ShrinkingHardest
from workbench.types.memory import Ledger

RATES = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0]


def surveyed() -> Ledger:
    ledger = Ledger()
    ledger.take({"step": 0, "visits": [[f"p{n}", n, 20, 20 * rate, 9.0] for n, rate in enumerate(RATES)]})
    return ledger


def test_the_cards_phases() -> None:
    sampler = ShrinkingHardest(sizes=(4, 2), steps=(3, 3), problems=8)
    ledger, state, seen = surveyed(), sampler.init(), []
    for step in range(1, 8):
        picks, state = sampler(state, Pool(8, 4, 64, step, lambda index: 0.5, ledger))
        assert {pick.rollouts for pick in picks} == {64}
        seen.append(sorted({pick.number for pick in picks}))
        entries = [[f"p{n}", n, 64, 64 * RATES[n], 9.0] for n in seen[-1]]
        ledger.take({"step": step, "visits": entries})
    assert seen == [[0, 1, 2, 3]] * 3 + [[0, 1]] * 4  # the last phase continues


def test_a_later_phase_counts_what_was_seen_since() -> None:
    sampler = ShrinkingHardest(sizes=(3, 1), steps=(1, 1), problems=8)
    ledger = surveyed()
    _, state = sampler(sampler.init(), Pool(8, 3, 8, 1, lambda index: 0.5, ledger))
    assert state["members"] == [0, 1, 2]
    ledger.take({"step": 1, "visits": [["p0", 0, 8, 6.0, 9.0], ["p1", 1, 8, 5.0, 9.0], ["p2", 2, 8, 1.0, 9.0]]})
    _, state = sampler(state, Pool(8, 3, 8, 2, lambda index: 0.5, ledger))
    assert state["members"] == [2]


def test_many_rollouts_make_rare_successes_seen() -> None:
    """The card: the chance of a mixed group at p = 1/32 and 1/64, with 8 and with 64 rollouts."""
    mixed = {(p, n): 1 - p**n - (1 - p) ** n for p in (1 / 32, 1 / 64) for n in (8, 64)}
    assert mixed[1 / 32, 8] == pytest.approx(0.2243, abs=1e-4)
    assert mixed[1 / 32, 64] == pytest.approx(0.8689, abs=1e-4)
    assert mixed[1 / 64, 8] == pytest.approx(0.1184, abs=1e-4)
    assert mixed[1 / 64, 64] == pytest.approx(0.6350, abs=1e-4)
