"""GPG: the factor for zero-variance groups by hand, and what it keeps."""

import dataclasses

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.batches import UNEQUAL, World, advantage_rows, assert_close, loss_and_gradient, toy
from workbench.method import advantages
from workbench.methods.gpg import ScaledCentre
from workbench.registry import find_method

GPG = find_method("gpg")
OFF = dataclasses.replace(GPG, advantage=ScaledCentre(scale=False))


def test_the_loss_by_hand():
    """-(1 / 9) Σ advantage · logprob, advantages ±.5; the gradient is -advantage / 9, whatever the ratio."""
    batch = toy(mask=UNEQUAL)
    loss, gradient = loss_and_gradient(GPG, batch)
    assert_close(gradient[0], [-0.05556] * 3)
    assert_close(gradient[1], [0.05556, 0.0, 0.0])
    # log-probs: -.4, -1.25, -.1 | -.5 | -.3, -.65 | -1.58, -.05, -.95; ±.5 · sums -1.75, -.5, -.95, -2.58
    assert_close(loss, (0.5 * 1.75 - 0.5 * 0.5 - 0.5 * 0.95 + 0.5 * 2.58) / 9)


def test_the_factor_by_hand():
    """Groups of 4, 4, 3 and 2; without variance in the first: 13 / 9."""
    world = World(5)
    batch = world.batch(GPG)
    first = batch.group == batch.group[0]
    dull = batch.replace(reward=torch.where(first, 1.0, batch.reward))
    found, plain = advantages(GPG, dull), advantages(OFF, dull)
    assert (found[first] == 0).all()
    torch.testing.assert_close(found, plain * 13 / 9)
    torch.testing.assert_close(advantages(GPG, batch), advantages(OFF, batch))
    lost = dull.replace(reward=torch.where(torch.arange(13) == 0, torch.nan, dull.reward))
    torch.testing.assert_close(advantages(GPG, lost), advantages(OFF, lost) * 12 / 9)  # unscored: absent


@given(st.lists(st.sampled_from([0.0, 0.1, 1.0]), min_size=12, max_size=12))
def test_a_batch_without_any_variance_is_still(rewards):
    batch = World(5, groups=(4, 4, 4)).batch(GPG).replace(reward=torch.tensor(rewards))
    groups = torch.tensor(rewards).view(3, 4)
    active = int((groups != groups[:, :1]).any(1).sum())
    expected = (groups - groups.mean(1, keepdim=True)).flatten() * (3 / active if active else 0.0)
    torch.testing.assert_close(advantages(GPG, batch)[:, 0], expected, atol=1e-6, rtol=1e-5)


def test_alone_in_a_batch_it_is_the_centred_reward():
    assert_close(advantage_rows(GPG, toy()), [0.5, -0.5, -0.5, 0.5])
