"""Weighted GRPO on a pair, worked by hand: (1, 0, 0, 0) and (1, 1, 1, 0)."""

import dataclasses

import pytest
import torch

from tests.batches import advantage_rows, assert_close
from workbench.kinds import Pool, Survey
from workbench.methods.weighted_grpo_pairs import RarePair, UnevenZ
from workbench.registry import find_method
from workbench.types import Batch
from workbench.types.memory import Ledger

ZEROS = torch.zeros(8, 1, dtype=torch.float64)
PAIR = Batch(
    logprob=ZEROS,
    old_logprob=ZEROS,
    mask=torch.ones(8, 1, dtype=torch.bool),
    reward=torch.tensor([1, 0, 0, 0, 1, 1, 1, 0], dtype=torch.float64),
    group=torch.tensor([0] * 4 + [1] * 4),
)


@pytest.mark.parametrize(
    ("weight", "reading", "expected"),
    [
        (1.0, "after", [1.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -1.5]),
        (2.0, "after", [1.5, -1.0, -1.0, -1.0, 0.5, 0.5, 0.5, -3.0]),
        (1.0, "centred", [1.5, -0.5, -0.5, -0.5, 0.5, 0.5, 0.5, -1.5]),
        (2.0, "centred", [2.25, -0.75, -0.75, -0.75, 0.75, 0.75, 0.75, -2.25]),
    ],
)
def test_rare_events_count_most(weight, reading, expected):
    advantage = UnevenZ(weight=weight, reading=reading)
    method = dataclasses.replace(find_method("weighted_grpo_pairs"), advantage=advantage)
    assert_close(advantage_rows(method, PAIR), expected, 1e-5)


def test_a_pair_is_found_by_a_survey() -> None:
    """The card's band of easy problems: from 1 - c/G to 1 - 1/G, here .75 to .875 for groups of eight."""
    ledger = Ledger()
    rates = [0, 16, 15, 14, 12, 2, 1, 8]  # of sixteen
    ledger.take({"step": 0, "visits": [[f"p{n}", n, 16, float(rate), 5.0] for n, rate in enumerate(rates)]})
    pool = Pool(8, 3, 8, 1, lambda index: 0.5, ledger)
    sampler = RarePair(problems=8)
    picks, state = sampler(sampler.init(), pool)
    assert [pick.number for pick in picks] == [6, 3, 6]
    assert [pick.number for pick in sampler(state, pool)[0]] == [3, 6, 3]
    assert sampler.survey == Survey(16, 8)
    with pytest.raises(ValueError, match="of 2 problems 0 are solved at times, and 0 in 75% to 88%"):
        sampler(sampler.init(), Pool(2, 3, 8, 1, lambda index: 0.5, ledger))


def test_a_rare_event_has_the_cards_advantage() -> None:
    for share, value in ((1 / 8, 2.6458), (7 / 8, 2.6458)):
        rate = share if share < 0.5 else 1 - share
        assert ((1 - rate) / rate) ** 0.5 == pytest.approx(value, abs=1e-4)
    assert pytest.approx(0.34, abs=0.005) == (7 / 8) ** 8  # updates without a success of the hard problem
