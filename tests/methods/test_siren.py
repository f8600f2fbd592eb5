"""SIREN, worked by hand on two answers of five tokens."""

import dataclasses

import pytest
import torch

from tests.batches import assert_close
from workbench.method import lens_all
from workbench.methods.siren import EntropyAnchor, peak_entropy
from workbench.ops import slot_view
from workbench.registry import find_method
from workbench.signals import SIGNALS, Logits
from workbench.types import Batch

# entropy within a nucleus of .8 that leaves the crossing symbol out, of two times five distributions over six symbols
NUCLEUS = torch.tensor([[0.6882, 0.0, 1.3863, 0.0, 0.6628], [0.0, 1.0953, 0.0, 0.0, 1.09525]], dtype=torch.float64)
LOGITS = torch.tensor(
    [
        [[3.0, 2.8, 2.5, 0, 0, 0], [6, 0, 0, 0, 0, 0], [2, 2, 2, 2, 2, 2], [4, 3, 0, 0, 0, 0], [2.5, 2, 1, 1, 0, 0]],
        [
            [5, 1, 0, 0, 0, 0],
            [2, 1.9, 1.8, 1.7, 0, 0],
            [8, 0, 0, 0, 0, 0],
            [3, 3, 0, 0, 0, 0],
            [1, 0.9, 0.8, 0.2, 0.1, 0],
        ],
    ],
    dtype=torch.float64,
)
KEPT = [1.0785, 0.0, 1.6094, 0.5822, 0.9528]  # the first answer's, with the crossing symbol kept
MASK = torch.ones(2, 5, dtype=torch.bool)


def batch(anchor: float | None) -> Batch:
    logprob = torch.full((2, 5), -1.0, dtype=torch.float64)
    return Batch(
        logprob=logprob,
        old_logprob=logprob,
        mask=MASK,
        reward=torch.zeros(2, dtype=torch.float64),
        group=torch.zeros(2, dtype=torch.long),
        extras={"core_entropy:0.8": NUCLEUS, "old_core_entropy:0.8": NUCLEUS},
        state={"regularisers.0": {"anchor": anchor}},
    )


def test_entropy_within_the_share_of_the_probability():
    logits = Logits(LOGITS.reshape(10, 6), torch.zeros(10, dtype=torch.long), 1.0)
    assert_close(SIGNALS["core_entropy:0.8"](logits).reshape(2, 5), NUCLEUS)
    assert_close(SIGNALS["nucleus_entropy:0.8"](logits)[:5], KEPT)


def test_peaks_are_the_tokens_above_their_answers_quantile():
    shares = peak_entropy(NUCLEUS, MASK, 0.8)
    assert (shares > 0).long().tolist() == [[0, 0, 1, 0, 0], [0, 1, 0, 0, 0]]
    assert_close(shares.sum() / 2, 1.24079)


def test_an_answer_of_equal_entropies_has_no_peak():
    assert (peak_entropy(torch.zeros(1, 5), MASK[:1], 0.8) == 0).all()


def test_padding_is_no_part_of_the_quantile():
    wide = torch.cat([NUCLEUS, torch.full((2, 3), 9.0, dtype=torch.float64)], dim=1)
    mask = torch.cat([MASK, torch.zeros(2, 3, dtype=torch.bool)], dim=1)
    assert_close(peak_entropy(wide, mask, 0.8)[:, :5], peak_entropy(NUCLEUS, MASK, 0.8), 1e-12)


def penalty(of: Batch) -> torch.Tensor:
    piece = EntropyAnchor()
    alone = slot_view(of, "regularisers.0")
    return piece(alone.extend(**piece.settle(alone, torch.zeros(2, 5, dtype=torch.float64))))


@pytest.mark.parametrize(("anchor", "loss", "slope"), [(0.6, 0.0020531, 0.0064079), (1.2, 8.319e-6, 0.00040791)])
def test_penalty(anchor, loss, slope):
    assert_close(penalty(batch(anchor)), loss, 1e-6)
    pushes = lens_all(find_method("siren"), batch(anchor))
    assert_close(-pushes["core_entropy:0.8"][0, 2] * 2, slope, 1e-6)  # two answers, one peak each
    assert (pushes["core_entropy:0.8"][0, :2] == 0).all()


def test_the_first_step_sets_the_anchor_for_good():
    piece = EntropyAnchor()
    state = piece.learn(piece.init(), batch(None))
    assert_close(state["anchor"], 1.24079)
    later = batch(None).extend(**{"old_core_entropy:0.8": NUCLEUS * 2})
    assert piece.learn(state, later) == state
    assert_close(penalty(batch(None)), 0.0)


def test_in_the_first_step_the_sampling_policy_is_the_anchor():
    """Later updates of the first step, whose policy has moved, are held already."""
    moved = batch(None).extend(**{"core_entropy:0.8": NUCLEUS * 2})
    assert_close(penalty(moved), 0.005 * 1.24079**2, 1e-6)
    assert lens_all(find_method("siren"), moved)["core_entropy:0.8"][0, 2] < 0


def test_the_crossing_token_and_the_share_are_fields():
    assert EntropyAnchor(crossing=True, share=0.9).needs == {"nucleus_entropy:0.9", "old_nucleus_entropy:0.9"}


def test_switched_off_it_needs_nothing():
    method = dataclasses.replace(find_method("siren"), regularisers=(EntropyAnchor(coefficient=0.0),))
    assert method.needs == frozenset()
