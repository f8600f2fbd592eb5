"""UCAS, worked by hand."""

import dataclasses

import pytest
import torch

from tests.batches import REWARD, UNEQUAL, assert_close, toy
from workbench.method import advantages
from workbench.methods.ucas import UncertaintyShaped
from workbench.registry import find_method
from workbench.types import Batch

CONFIDENCE = torch.tensor([[6.0, 5.0, 9.0], [7.0, 9.0, 4.5], [9.5, 5.5, 7.5], [5.0, 10.0, 6.5]], dtype=torch.float64)
LOGIT = torch.tensor([[18, 14, 25], [17, 22, 12], [24, 15, 20], [13, 26, 18]], dtype=torch.float64)
UCAS = find_method("ucas")


def batch(reward: torch.Tensor = REWARD, mask: torch.Tensor | None = None) -> Batch:
    signals = {"old_logsumexp": CONFIDENCE + 3.0, "old_mean_logit": torch.full_like(CONFIDENCE, 3.0)}
    built = toy(reward=reward, old_chosen_logit=LOGIT, **signals)
    return built if mask is None else built.replace(mask=mask)


def test_shaped_by_confidence_and_paid_for_certainty():
    found = advantages(UCAS, batch())
    assert_close(found[0], [1.0947, 1.1090, 1.0697])
    assert_close(found[1], [-0.7288, -0.7467, -0.7110])
    assert_close(found[2], [-1.3796, -1.3475, -1.3653])
    assert_close(found[3], [0.7922, 0.7458, 0.7744])


def test_a_group_all_right_pays_for_certainty_alone():
    found = advantages(UCAS, batch(torch.ones(4, dtype=torch.float64)))
    assert_close(found[0], [-0.0214, -0.0071, -0.0464])


def test_a_right_answer_is_never_pushed_down():
    heavy = dataclasses.replace(UCAS, advantage=UncertaintyShaped(penalty=50.0))
    assert (advantages(heavy, batch())[[0, 3]] >= 0).all()


@pytest.mark.parametrize(
    ("mean", "expected"),
    [(False, [0.6310, -1.3577, -0.1339, 0.8605]), (True, [-1.2010, -0.2402, 1.2010, 0.2402])],
)
def test_summed_confidence_measures_length(mean, expected):
    plain = UncertaintyShaped(right=1.0, wrong=1.0, penalty=0.0, mean=mean)
    found = advantages(dataclasses.replace(UCAS, advantage=plain), batch(mask=UNEQUAL))[:, 0]
    z = 0.8660 * torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64)
    assert_close((found / z).log() * -z.sign(), expected, 2e-4)
