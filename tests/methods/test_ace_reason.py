"""AceReason: which problems are left out, and the card's weights of tokens."""

import pytest
import torch

from tests.batches import assert_close
from workbench.kinds import Pool, Survey
from workbench.method import lens
from workbench.methods.ace_reason import PassRateCut
from workbench.registry import find_method
from workbench.types import Batch
from workbench.types.memory import Ledger


def pool(ledger: Ledger, count: int = 6, step: int = 1) -> Pool:
    return Pool(8, count, 8, step, lambda number: (number * 7 % 11) / 11, ledger)


def surveyed(*right: int) -> Ledger:
    ledger = Ledger()
    ledger.take({"step": 0, "visits": [[f"p{n}", n, 16, float(count), 9.0] for n, count in enumerate(right)]})
    return ledger


def test_often_solved_problems_are_left_out_for_good() -> None:
    piece, ledger = PassRateCut(problems=8), surveyed(0, 6, 7, 16, 3)
    assert piece.survey == Survey(16, 8)
    picks, state = piece(piece.init(), pool(ledger))
    assert sorted(pick.number for pick in picks) == [0, 0, 1, 1, 4, 4]  # 5 to 7 were not graded
    ledger.take({"step": 1, "visits": [["p0", 0, 16, 16.0, 9.0]]})
    assert 0 in {pick.number for pick in piece(state, pool(ledger, step=2))[0]}


def test_nothing_hard_is_said() -> None:
    with pytest.raises(ValueError, match=r"of 8 problems all are solved more than 38% of the time: take harder"):
        PassRateCut(problems=8)(PassRateCut().init(), pool(surveyed(*[9] * 8)))


def test_the_cards_tokens() -> None:
    lengths, reward = torch.tensor([100, 400, 50, 250]), torch.tensor([1.0, 0.0, 0.0, 1.0], dtype=torch.float64)
    mask = torch.arange(400)[None] < lengths[:, None]
    logprob = torch.full((4, 400), -1.0, dtype=torch.float64)
    batch = Batch(logprob, logprob, mask, reward, torch.zeros(4, dtype=torch.long))
    found = lens(find_method("ace_reason"), batch)
    assert_close(found[:, 0], [0.001083, -0.001083, -0.001083, 0.001083], 1e-6)
    share = found.abs().sum(1) / found.abs().sum()
    assert_close(share, [0.125, 0.5, 0.0625, 0.3125], 1e-6)
