"""NudgeRL: who is asked with which strategy, and the card's advantages and loss."""

import dataclasses
import random
from collections import Counter

import torch

from tests.batches import P_REF, assert_close, loss_and_gradient, probable
from tests.methods.rounds import Echo, make_round, scored
from workbench.kinds import Pick, Pool, Round
from workbench.method import advantages
from workbench.methods.nudge import BetweenContexts, Nudge, SomeBare
from workbench.registry import find_method
from workbench.types import Group

NUDGE = find_method("nudge")
CONTEXT = torch.tensor([1.0, 1.0, 2.0, 0.0], dtype=torch.float64)


def test_the_cards_advantages_and_loss() -> None:
    batch = probable().extend(context=CONTEXT, **{"logprob@bare": P_REF.log()})
    within = BetweenContexts().within(batch)
    assert_close(within, [0.5, -0.5, -0.55, 0.5])
    assert_close(advantages(NUDGE, batch)[:, 0], [0.999386, -0.950636, -1.048137, 0.999386], 1e-6)
    plain = dataclasses.replace(NUDGE, regularisers=())
    assert_close(loss_and_gradient(plain, batch)[0], -0.01419, 1e-5)
    assert_close(loss_and_gradient(NUDGE, batch)[0], -0.021235, 1e-6)


def test_equal_rewards_teach_nothing_whatever_the_strategies() -> None:
    batch = probable(reward=torch.full((4,), 0.3, dtype=torch.float64)).extend(context=CONTEXT)
    assert not BetweenContexts().within(batch).any()


def test_a_coin_says_who_goes_without() -> None:
    def pool(step: int) -> Pool:
        return Pool(50, 50, 8, step, lambda index: random.Random(f"{step}/{index}").random())

    picks: list[Pick] = []
    for step in range(40):
        picks += SomeBare()(SomeBare().init(), pool(step))[0]
    counts = Counter(pick.rollouts for pick in picks)
    assert min(counts) == 1
    assert abs(sum(size * count for size, count in counts.items()) / len(picks) - 4) < 0.1
    assert {pick.rollouts for pick in SomeBare(bare=1.0)(SomeBare().init(), pool(1))[0]} == {8}


def in_round(group: Group, rollouts: int = 8) -> Round:
    """A first round of a run whose groups are this large."""
    drawn = random.Random(3)
    found = [drawn.random() for _ in range(300)]
    return dataclasses.replace(make_round(0, [group]), rollouts=rollouts, uniform=lambda index: found[index % 300])


def test_the_rest_of_a_group_is_asked_with_strategies_of_its_own() -> None:
    group = scored(0, [1.0, 0.0, 0.0], strategies=["add", "count", "guess"])
    requests = Nudge()({}, in_round(group)).requests
    assert sum(request.n for request in requests) == 5
    assert {request.group for request in requests} == {0}
    assert [request.tag for request in requests] == ["nudged 1", "nudged 2"]
    shown = [Echo().text(request.prompt) for request in requests]
    assert all(text.startswith("question 0\n") for text in shown)
    assert len({text.split("\n")[1] for text in shown} & {"add", "count", "guess"}) == 2
    assert all(request.n <= 4 for request in requests)
    assert Nudge()({}, in_round(scored(0, [1.0] * 8))).requests == []


def test_strategies_are_facts_of_the_rollouts() -> None:
    groups = [scored(0, [1.0, 0.0]), scored(1, [1.0], tag="nudged 2")]
    assert not Nudge()({}, make_round(1, groups)).requests
    assert groups[1].rollouts[0].extras["context"] == 2.0
    assert "context" not in groups[0].rollouts[0].extras
