"""Corrections for imperfect verifiers, worked by hand."""

import dataclasses
import math

import pytest

from tests.batches import advantage_rows, assert_close, probable
from workbench.methods.noise_forward import BackwardCorrection, ForwardCorrection
from workbench.pieces.advantage import GroupCentre, GroupZ
from workbench.registry import find_method
from workbench.types import Group, Problem

MISSED, ACCEPTED = 0.2, 0.1
GROUP = Group(0, Problem("p", "", ""), [])


def test_forward_weights():
    method = dataclasses.replace(find_method("noise_forward"), advantage=ForwardCorrection(missed=MISSED))
    assert_close(advantage_rows(method, probable()), [0.2, -0.8, -0.8, 0.2])


def test_forward_weights_on_average_over_the_verifiers_errors():
    right, wrong = MISSED, MISSED - 1
    assert_close((1 - MISSED) * right + MISSED * wrong, 0.0, 1e-12)
    assert_close(ACCEPTED * right + (1 - ACCEPTED) * wrong, -(1 - ACCEPTED - MISSED), 1e-12)


def test_backward_rewards():
    piece = BackwardCorrection(missed=MISSED, accepted=ACCEPTED)
    one, zero, unscored = piece(GROUP, [1.0, 0.0, math.nan], 10)
    assert_close([one, zero], [1.285714, -0.142857], 1e-6)
    assert math.isnan(unscored)
    assert_close((1 - MISSED) * one + MISSED * zero, 1.0, 1e-12)
    assert_close(ACCEPTED * one + (1 - ACCEPTED) * zero, 0.0, 1e-12)


def test_standardising_would_cancel_the_correction():
    piece = BackwardCorrection(missed=MISSED, accepted=ACCEPTED)
    corrected = probable(reward=probable().reward.new_tensor(piece(GROUP, [1.0, 0.0, 0.0, 1.0], 10)))
    centred = dataclasses.replace(find_method("noise_backward"), advantage=GroupCentre())
    assert_close(advantage_rows(centred, corrected), [0.714286, -0.714286, -0.714286, 0.714286], 1e-6)
    standard = dataclasses.replace(centred, advantage=GroupZ())
    assert_close(advantage_rows(standard, corrected), [0.866024, -0.866024, -0.866024, 0.866024], 1e-5)


def test_error_rates_that_leave_no_signal_are_refused():
    with pytest.raises(ValueError, match=r"accepted = 0\.5 and missed = 0\.5"):
        BackwardCorrection(missed=0.5, accepted=0.5)
