"""LUSPO, worked by hand."""

import dataclasses

from tests.batches import UNEQUAL, assert_close, loss_and_gradient, toy
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method


def test_push_does_not_depend_on_length():
    wide = dataclasses.replace(find_method("luspo"), surrogate=Clip())
    loss, gradient = loss_and_gradient(wide, toy(mask=UNEQUAL))
    assert_close(loss, -0.62069)
    assert_close(gradient[:, 0], [-0.2433, 0.2644, 0.2334, -0.2073])  # GSPO: -.0811, .2644, .1167, -.0691


def test_published_bounds_clip_the_first_rollout():
    loss, gradient = loss_and_gradient(find_method("luspo"), toy(mask=UNEQUAL))
    assert_close(loss, -0.54194)
    assert_close(gradient[:, 0], [0.0, 0.2644, 0.2334, -0.2073])
