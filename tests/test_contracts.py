"""What every method of the registry keeps to, on ragged batches that provide all it needs."""

import dataclasses
import itertools

import pytest
import tomlkit
import torch
from hypothesis import example, given
from torch import Tensor

from tests.batches import World, cast, change
from tests.methods.awkward import awkward, plans
from workbench.kinds import LossPiece
from workbench.method import TEXTS, Method, advantages, lens, lens_all, objective, settle
from workbench.ops import group_std
from workbench.registry import find_method, methods

KEYS = sorted(methods())

#: Methods that move a group whose rollouts are all right or all wrong, and why; every other leaves it alone.
MOVED = {
    "luffy": "its entropy bonus knows no rewards",
    "rl_plus": "its entropy bonus knows no rewards",
    "ssb": "it imitates whatever was kept",
    "sft": "it trains on what is given, whatever its reward",
    **dict.fromkeys(("trapo", "grpo_paper", "icpo", "icpo_bonus", "fg_expo"), "its KL loss knows no rewards"),
    "recap": "given answers are learnt whatever their reward",
    "reinforce_pp": "the baseline is the batch's",
    "reinforce_pp_baseline": "the batch's mean is weighed by tokens, so that unequal lengths shift it",
    **dict.fromkeys(("psr", "nsr", "w_reinforce", "head_tail"), "it has no baseline"),
    "pacs": "off-policy it evens the scores of a group out",
    **dict.fromkeys(("ppo", "guide_ppo", "rise"), "the critic is the baseline"),
    "brorl": "the batch's mean is weighed by tokens, so that unequal lengths shift it",
    "vimpo": "its value loss pulls towards the reference",
    "ucas": "certain tokens pay a penalty",
    **{f"azr{end}": "a role and kind is the baseline" for end in ("", "_paper", "_half", "_frozen", "_solver")},
    "siren": "its regulariser knows no rewards",
    "rover": "off-policy it pulls back to the sampling policy",
    "noise_forward": "it has no baseline",
    "one_shot": "its KL loss and entropy bonus know no rewards",
}
#: Of these, those that move only the all-right or only the all-wrong group.
ONE_SIDED = {"psr": 1.0, "head_tail": 1.0, "nsr": 0.0}

every_method = pytest.mark.parametrize("key", KEYS)


def over_batch(method: Method) -> bool:
    return any(piece.over_batch for _, piece in method.pieces() if isinstance(piece, LossPiece))


def same(actual: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    """Equal to within a share of the largest number, and of 1e-3 for very small ones."""
    scale = max(expected.abs().max().item(), 1e-3) if expected.numel() else 1.0
    torch.testing.assert_close(actual, expected, atol=tolerance * scale, rtol=0)


@every_method
def test_every_method_teaches_something(key):
    method = find_method(key)
    push = lens(method, World().batch(method))
    assert push.abs().max() > 0
    assert push.isfinite().all()


@every_method
def test_padding_changes_nothing(key):
    method, world = find_method(key), World(1)
    batch = world.batch(method)

    def pad(value: Tensor) -> Tensor:
        wild = torch.where(batch.mask, value, -3e4)
        return torch.cat([wild, torch.full((len(value), 3), 7e4, dtype=value.dtype)], dim=1)

    wide = torch.cat([batch.mask, torch.zeros(len(batch.mask), 3, dtype=torch.bool)], dim=1)
    padded = change(batch, pad, mask=wide)
    push = lens(method, padded)
    same(push[:, : world.width], lens(method, batch))
    assert (push[:, world.width :] == 0).all()
    same(advantages(method, padded)[:, : world.width], advantages(method, batch))


@every_method
def test_order_of_rollouts_changes_nothing(key):
    method, world = find_method(key), World(2)
    batch = world.batch(method)
    order = torch.randperm(world.rollouts, generator=world.generator)
    same(lens(method, batch.rows(order)), lens(method, batch)[order])


@every_method
def test_masked_tokens_get_no_gradient(key):
    method, world = find_method(key), World(3)
    gap = world.mask.clone()
    gap[0, 2] = False  # a token in the middle that is not trained
    for name, push in lens_all(method, world.batch(method, mask=gap)).items():
        assert (push[~gap] == 0).all(), name


@every_method
def test_other_groups_rewards_change_nothing(key):
    """But for the methods that say so, whose every such piece must say it truly."""
    method, world = find_method(key), World(4)
    batch = world.batch(method)
    leader = torch.cat([torch.ones(1, dtype=torch.bool), batch.group[1:] != batch.group[:-1]])
    others = (~leader).float(), torch.ones_like(batch.reward)  # all right but the first of each group; all right
    before, moved = lens(method, batch), 0.0
    for own, other in itertools.product(batch.group.unique(), others):
        rows = batch.group == own
        reward = torch.where(rows, batch.reward, other)
        after = lens(method, batch.replace(reward=reward, correct=reward))
        moved = max(moved, (before[rows] - after[rows]).abs().max().item())
        if not over_batch(method):
            same(after[rows], before[rows])
    assert (moved > 1e-6 * before.abs().max()) == over_batch(method)


@every_method
@pytest.mark.parametrize("verdict", [0.0, 1.0], ids=["all wrong", "all right"])
def test_a_group_without_contrast(key, verdict):
    method, world = find_method(key), World(5)
    batch = world.batch(method)
    dull = batch.group == batch.group[0]
    reward = torch.where(dull, verdict, batch.reward)
    pushes = lens_all(method, batch.replace(reward=reward, correct=reward)).values()
    moved = any(bool((push[dull] != 0).any()) for push in pushes)
    expected = key in MOVED and ONE_SIDED.get(key, verdict) == verdict
    assert moved == expected, MOVED.get(key, "a group without contrast should not move")
    assert all(push.isfinite().all() for push in pushes)


def gradient(loss: Tensor, weights: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(loss, [weights], allow_unused=True)
    return torch.zeros_like(weights) if found is None else found


@every_method
@pytest.mark.parametrize("size", [1, 3, 8])
def test_micro_batches_add_up_to_the_same_gradient(key, size):
    """By the objective of each part; for a set-wise method by the push on every leaf, taken over the whole update."""
    method, world = find_method(key), World(6)
    weights = world.weights[""].clone().requires_grad_()
    batch = world.batch(method, weights)
    settled = settle(method, batch)
    whole = gradient(objective(method, batch, settled), weights)
    pushes = lens_all(method, batch)
    total = torch.zeros_like(weights)
    for start in range(0, world.rollouts, size):
        rows = torch.arange(start, min(start + size, world.rollouts))
        part = world.batch(method, weights).rows(rows)
        if method.setwise:
            loss = sum((-push[rows] * part[name]).sum() for name, push in pushes.items())
        else:
            loss = objective(method, part, settled.rows(rows))
        total += gradient(loss, weights)
    same(total, whole, 1e-5)
    assert whole.abs().max() > 0


@every_method
def test_half_precision_agrees(key):
    """On numbers that bfloat16 can hold the push agrees to 1 % of the largest: only its own rounding is left."""
    method = find_method(key)
    half = cast(World(7).batch(method), torch.bfloat16)
    exact = lens(method, cast(half, torch.float32))
    same(lens(method, half).float(), exact, 0.01)


@every_method
def test_through_toml_and_back(key):
    method = find_method(key)
    table = tomlkit.parse(tomlkit.dumps({"method": method.to_dict()})).unwrap()["method"]
    assert find_method(table.pop("method")).override(table) == method


@every_method
def test_texts_are_its_own(key):
    method = find_method(key)
    assert method.key == key
    for text in TEXTS:
        assert getattr(method, text).strip()
    for other in KEYS:
        if other != key:
            for text in ("title", "equation", "changes"):
                assert getattr(method, text) != getattr(find_method(other), text), (text, other)


@every_method
def test_an_unscored_rollout_is_as_good_as_absent(key):
    method, world = find_method(key), World(8)
    batch = world.batch(method)
    lost = torch.zeros(world.rollouts, dtype=torch.bool)
    lost[[1, 5]] = True
    nan = batch.reward.masked_fill(lost, float("nan"))
    push = lens(method, batch.replace(reward=nan, correct=nan))
    assert (push[lost] == 0).all()
    same(push[~lost], lens(method, batch.rows((~lost).nonzero()[:, 0])))


@every_method
def test_settling_leaves_no_gradient(key):
    method, world = find_method(key), World(9)
    weights = world.weights[""].clone().requires_grad_()
    settled = settle(method, world.batch(method, weights))
    tensors = [settled.advantage, settled.weight, *settled.regulariser_weights]
    tensors += itertools.chain.from_iterable(constants.values() for constants in settled.constants.values())
    assert not any(tensor.requires_grad for tensor in tensors)


PLAIN = {"width": 3, "seed": 1, "extreme": 1.0, "right": 0.5, "on_policy": False, "foreign": 0.5, "step": 12}


@every_method
@given(plan=plans)
@example(plan={**PLAIN, "sizes": [1], "width": 1, "right": 1.0, "on_policy": True, "foreign": 0.0, "step": 0})
@example(plan={**PLAIN, "sizes": [2, 2]})
def test_numbers_stay_finite_and_dull_groups_still(key, plan):
    """A group of equal rewards, a lone rollout included, is left alone by the methods that are to leave it alone."""
    method = find_method(key)
    batch = awkward(method, plan)
    settled = settle(method, batch)
    assert settled.advantage.isfinite().all()
    assert objective(method, batch, settled).isfinite()
    dull = group_std(batch.reward, batch.group) == 0
    for name, push in lens_all(method, batch).items():
        assert push.isfinite().all(), name
        assert key in MOVED or (push[dull] == 0).all(), name


def test_methods_are_data():
    """No method differs from its parent by code: every one is an instance of the one class."""
    assert set(ONE_SIDED) <= set(MOVED) <= set(KEYS)
    assert all(type(method) is Method and dataclasses.is_dataclass(method) for method in methods().values())
