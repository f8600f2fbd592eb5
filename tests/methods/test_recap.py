"""RECAP: its weights worked by hand, its two objectives, and what it replays."""

import dataclasses
import math

import torch

from tests.batches import P_NEW, P_OLD, assert_close, loss_and_gradient, probable
from tests.methods.rounds import Echo, make_round, scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.methods.recap import TAG, Rebalanced, Replay, score
from workbench.registry import find_method
from workbench.tasks.sums import Sums

RECAP = find_method("recap")
WINDOWS = {
    "accuracy": [1.0, 0.9, 0.95, 0.9, 0.7, 0.65, 0.6, 0.65],
    "format": [0.1] * 8,
    "next": [0.5, 0.6, 0.4, 0.5, 0.9, 0.4, 0.8, 0.5],
}
LAST = torch.zeros(4, 3, dtype=torch.float64)
LAST[3] = 1


def test_weights_of_the_worked_example():
    assert_close([score(values, 4) for values in WINDOWS.values()], [0.693333 + 0.022271, 1.0, 1.3 + 0.179265], 1e-6)
    mild = Rebalanced(window=4).weights(WINDOWS)
    assert_close([3 * mild[name] for name in WINDOWS], [0.930654, 0.985123, 1.084224], 1e-6)
    strong = Rebalanced(window=4, temperature=1.0).weights(WINDOWS)
    assert_close([3 * strong[name] for name in WINDOWS], [0.670379, 0.890907, 1.438714], 1e-6)


def test_all_weigh_the_same_until_the_windows_are_full():
    short = {**WINDOWS, "format": [0.1] * 7}
    assert set(Rebalanced(window=4).weights(short).values()) == {1 / 3}
    assert Rebalanced(window=4).weights({"reasoning": [0.5], "replay": []}) == {"reasoning": 1.0}
    assert score([0.0] * 8, 4) == 1.0  # all right in both windows


def test_loss_is_the_weighed_sum_of_both_means():
    batch = probable().extend(off_policy=LAST)
    batch = batch.replace(state={"surrogate": {"reasoning": [0.5], "replay": [1.0]}})
    alone = dataclasses.replace(RECAP, regularisers=())
    loss, gradient = loss_and_gradient(alone, batch)
    a = torch.tensor([0.866024, -0.866024, -0.866024], dtype=torch.float64)[:, None]
    ratio = (P_NEW / P_OLD)[:3]
    clipped = -torch.minimum(ratio * a, ratio.clamp(0.8, 1.2) * a).sum() / 9
    assert_close(loss, (0.5 * clipped - 0.5 * P_NEW[3].log().mean()).item(), 1e-5)
    assert_close(gradient[3], [-0.5 / 3] * 3, 1e-9)


def test_it_remembers_both_objectives():
    batch = probable().extend(off_policy=LAST)
    piece = Rebalanced(window=2)
    state = piece.init()
    for _ in range(5):
        state = piece.learn(state, batch)
    assert len(state["reasoning"]) == 4
    assert_close(state["reasoning"][0], 2 / 3)  # one right of the three that are its own
    assert_close(state["replay"][0], -P_OLD[3].log().mean().item())
    unread = piece.learn(piece.init(), probable())
    assert unread["replay"] == []


def test_replayed_problems_are_answers_to_learn():
    piece = Replay(task=Sums(level=1), count=2)
    orders = piece({}, make_round(0, [scored(0, [1.0])]))
    assert [rollout.request.group for rollout in orders.rollouts] == [50, 51]
    for rollout in orders.rollouts:
        problem = rollout.request.problem
        assert Echo().text(rollout.tokens) == problem.data["solution"] + "."  # the worked answer
        assert problem.data["solution"].endswith(f"answer: {problem.answer}")
        assert Echo().text(rollout.prompt) == problem.prompt
        assert rollout.extras["off_policy"] == [1.0] * len(rollout.tokens)
    assert not Replay()({}, make_round(0, [scored(0, [1.0])])).rollouts


def test_a_run_with_replay():
    method = RECAP.override({"controller": {"task": {"piece": "sums", "level": 1}, "count": 2}})
    steps = list(make_trainer(method, make_settings(training={"updates": 2})))
    assert all(step.columns["tag"].count(TAG) == 2 for step in steps)
    assert all(math.isfinite(step.metrics["loss"]) for step in steps)
