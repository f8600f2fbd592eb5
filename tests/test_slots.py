"""Every slot can hold what a method may want to put there: proved with one example piece each."""

import dataclasses
import itertools

import torch

from tests.batches import OLD, World, assert_close, toy
from tests.example_pieces import EXAMPLE, Cribbed, Easiest, Fit, Hinted, Moving, Ranked
from tests.methods.rounds import Echo
from workbench.kinds import Round
from workbench.method import advantages, leaves, lens_all, objective, settle
from workbench.pieces.reduction import TokenMean
from workbench.pieces.regulariser import K2
from workbench.registry import find_method
from workbench.types import Group, Problem, Request, Rollout

GRPO = find_method("grpo")


def test_a_set_wise_surrogate_is_exact_in_micro_batches():
    method, world = dataclasses.replace(EXAMPLE, surrogate=Ranked()), World(3)
    weights = world.weights[""].clone().requires_grad_()

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(loss, [weights])[0]

    batch = world.batch(method, weights)
    settled = settle(method, batch)
    whole = gradient(objective(method, batch, settled))
    halves = [torch.arange(0, 6), torch.arange(6, world.rollouts)]
    push = lens_all(method, batch)["logprob"]
    exact = sum(gradient((-push[rows] * world.batch(method, weights).logprob[rows]).sum()) for rows in halves)
    torch.testing.assert_close(exact, whole, atol=1e-6, rtol=1e-5)
    parts = [(world.batch(method, weights).rows(rows), settled.rows(rows)) for rows in halves]
    naive = sum(gradient(objective(method, *part)) for part in parts)
    assert not torch.allclose(naive, whole, rtol=1e-2)  # which is why the push is taken over the whole update
    assert method.setwise


def test_a_piece_remembers_from_step_to_step():
    state = EXAMPLE.init()["advantage"]
    assert state == {"average": 0.0}
    for _ in range(2):
        batch = toy().replace(state={"advantage": state})
        state = EXAMPLE.advantage.learn(state, batch)
    assert_close(state["average"], 0.5 * 0.1 + 0.9 * 0.05)
    batch = toy().replace(state={"advantage": state, "surrogate": {"secret": 1}})
    assert_close(advantages(EXAMPLE, batch)[:, 0], [0.905, -0.095, -0.095, 0.905])


def test_a_piece_sees_only_its_own_state():
    seen = []

    @dataclasses.dataclass(frozen=True)
    class Nosy(Moving.__bases__[0]):
        def __call__(self, batch):
            seen.append(dict(batch.state))
            return torch.zeros_like(batch.logprob)

    batch = toy().replace(state={"advantage": {"mine": 1}, "surrogate": {"yours": 2}})
    advantages(dataclasses.replace(EXAMPLE, advantage=Nosy()), batch)
    assert seen == [{"advantage": {"mine": 1}}]
    del Moving.registry["nosy"]


def test_a_head_is_declared_and_read_as_a_signal():
    method = dataclasses.replace(EXAMPLE, advantage=GRPO.advantage, regularisers=(Fit(), Fit()))
    assert [head.name for head in method.heads] == ["value"]
    batch = toy(value=torch.full((4, 3), 0.75, dtype=torch.float64))
    pushes = lens_all(method, batch)
    assert_close(pushes["value"], torch.full((4, 3), -2 * 2 * 0.25 / 12))  # two pieces, 12 tokens
    assert set(leaves(method, batch)) == {"logprob", "value"}


PROBLEM = Problem("p", "2 + 2 =", "4")


def scored(number: int, verdicts: list[float]) -> Group:
    request = Request(PROBLEM, Echo().prompt(PROBLEM.prompt), group=number, number=number, n=len(verdicts))
    rollouts = [
        Rollout(request, index, [9], "", [-0.5], [-0.5], "stop", reward=verdict, correct=verdict)
        for index, verdict in enumerate(verdicts)
    ]
    return Group(number, PROBLEM, rollouts)


def test_a_context_gives_a_prompt_per_rollout_and_a_signal_back():
    piece = Cribbed()
    group = scored(0, [1.0, 0.0])
    prompts = piece.contexts(PROBLEM, group.rollouts, Echo())
    assert [Echo().text(prompt) for prompt in prompts["answer"]] == ["2 + 2 = (It is 4.)"] * 2
    method = dataclasses.replace(EXAMPLE, advantage=piece)
    assert method.needs == {"old_logprob@answer"}
    found = advantages(method, toy(**{"old_logprob@answer": OLD + 0.5}))
    assert_close(found[:, 0], [0.75, -0.75, -0.75, 0.75])


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


def test_a_controller_runs_a_second_round():
    piece = Hinted(rollouts=3)
    groups = [scored(0, [0.0, 0.0]), scored(1, [1.0, 0.0])]
    first = piece(piece.init(), make_round(0, groups))
    (request,) = first.requests
    assert (request.n, request.group, request.tag) == (3, 50, "hinted")
    assert Echo().text(request.prompt) == "2 + 2 = Hint: 4"
    assert Echo().text(request.training_prompt) == "2 + 2 ="
    assert first.drop_groups == {0}
    assert first.state == {"asked": 1}
    assert not piece(first.state, make_round(1, groups)).requests


def test_a_hinted_rollout_is_trained_on_the_bare_prompt():
    request = Request(PROBLEM, (1, 2, 3), group=0, number=0, training_prompt=(1,), prefix=(7,))
    rollout = Rollout(request, 0, [7, 8, 9], "", [0.0] * 3, [0.0] * 3, "stop")
    assert rollout.prompt == (1,)
    assert rollout.trained == [False, True, True]


def test_a_filter_answers_for_every_group():
    assert Easiest()({}, [scored(0, [0.0, 0.0]), scored(1, [1.0, 0.0])]) == ["drop", "keep"]


def test_pieces_are_listed_by_slot():
    method = dataclasses.replace(
        EXAMPLE, regularisers=(Fit(), K2()), filters=(Easiest(),), controller=Hinted(), reduction=TokenMean()
    )
    slots = [slot for slot, _ in method.pieces()]
    assert slots == [
        "advantage",
        "ratio",
        "surrogate",
        "reduction",
        "regularisers.0",
        "regularisers.0.reduction",
        "regularisers.1",
        "filters.0",
        "controller",
    ]
    assert method.init()["controller"] == {"asked": 0}
