"""Guide-GRPO: its controller's rounds, and its ratio worked by hand."""

import dataclasses
import itertools

import torch

from tests.batches import EQUAL, P_OLD, assert_close, loss_and_gradient, probable
from tests.methods.rounds import Echo
from workbench.kinds import Round
from workbench.method import settle
from workbench.methods.guide import HintTheLost
from workbench.pieces.filters import DynamicSampling
from workbench.registry import find_method
from workbench.types import Group, Problem, Request, Rollout

GUIDE = find_method("guide")
ALL = torch.ones(4, 3, dtype=torch.float64)


def scored(number: int, verdicts: list[float], hint: str = "count", tag: str = "") -> Group:
    problem = Problem(f"p{number}", "2 + 2 =", "4", {"hint": hint} if hint else {})
    request = Request(problem, Echo().prompt(problem.prompt), group=number, number=number, n=len(verdicts), tag=tag)
    rollouts = [
        Rollout(request, index, [9, 8], "", [-0.5, -0.25], [-0.5, -0.25], "stop", reward=verdict, correct=verdict)
        for index, verdict in enumerate(verdicts)
    ]
    return Group(number, problem, rollouts)


def make_round(number: int, groups: list[Group]) -> Round:
    numbers, fresh = itertools.count(100), itertools.count(50)
    return Round(
        number,
        step=1,
        groups=groups,
        encoder=Echo(),
        request=lambda **fields: Request(number=next(numbers), **fields),
        new_group=lambda: next(fresh),
        uniform=lambda index: 0.5,
    )


def test_lost_problems_are_asked_again_with_their_hint():
    piece = HintTheLost()
    groups = [scored(0, [0.0, 0.0, 0.0]), scored(1, [1.0, 0.0, 0.0]), scored(2, [0.0, 0.0, 0.0], hint="")]
    orders = piece(piece.init(), make_round(0, groups))
    (request,) = orders.requests
    assert Echo().text(request.prompt) == "2 + 2 =\nHint: count"
    assert Echo().text(request.training_prompt) == "2 + 2 ="
    assert (request.n, request.group) == (3, 50)
    assert orders.drop_groups == {0}
    assert orders.state == {"hinted": 1}


def test_hinted_rollouts_are_marked_and_the_rounds_end():
    hinted, bare = scored(50, [1.0, 0.0], tag="hinted"), scored(1, [1.0, 0.0])
    orders = HintTheLost()({"hinted": 1}, make_round(1, [bare, hinted]))
    assert not orders.requests
    assert hinted.rollouts[0].extras == {"off_policy": [1.0, 1.0], "behaviour_logprob": [-0.5, -0.25]}
    assert bare.rollouts[0].extras == {}
    assert DynamicSampling()({}, [scored(50, [0.0, 0.0])]) == ["resample"]  # still lost: discarded


def test_foreign_tokens_learn_by_a_ratio_that_saturates():
    batch = probable().extend(off_policy=ALL, behaviour_logprob=P_OLD.log())
    assert_close(settle(GUIDE, batch).constants["ratio"]["gamma"], 1.235)
    loss, gradient = loss_and_gradient(GUIDE, batch)
    assert_close(loss, -0.005322, 1e-6)
    assert_close(gradient[3], [-0.018016, -0.017843, -0.017843], 1e-6)  # GRPO clips the first of these away
    assert_close(gradient[1], [0.017647, 0.017892, 0.017843], 1e-6)


def test_gamma_is_read_from_foreign_tokens_alone():
    flags = ALL.clone()
    flags[:3] = 0
    batch = probable().extend(off_policy=flags, behaviour_logprob=P_OLD.log())
    ratios = (probable().logprob - P_OLD.log()).exp()[3]
    assert_close(settle(GUIDE, batch).constants["ratio"]["gamma"], ratios.quantile(0.9))
    padded = batch.replace(mask=EQUAL & torch.tensor([True, True, False]))
    assert_close(settle(GUIDE, padded).constants["ratio"]["gamma"], ratios[:2].quantile(0.9))


def test_without_foreign_tokens_it_is_grpo():
    plain = dataclasses.replace(find_method("grpo"), regularisers=())
    assert_close(loss_and_gradient(GUIDE, probable())[1], loss_and_gradient(plain, probable())[1], 1e-12)


def test_guide_ppo_has_the_value_and_the_saturating_ratio() -> None:
    method = find_method("guide_ppo")
    assert [head.name for head in method.heads] == ["value"]
    assert type(method.advantage) is type(find_method("ppo").advantage)
    assert (method.ratio, method.surrogate, method.controller) == (GUIDE.ratio, GUIDE.surrogate, GUIDE.controller)
    assert method.filters == GUIDE.filters
