"""The arithmetic of an update, and that every slot can hold what a method may want to put there."""

import dataclasses
import itertools
import math

import pytest
import torch
from batches import EQUAL, OLD, World, close, loss_and_gradient, toy
from example_pieces import EXAMPLE, Cribbed, Easiest, Fit, Hinted, Moving, Ranked

from workbench.kinds import Round
from workbench.method import (
    advantages,
    carries_gradient,
    derive,
    leaves,
    lens,
    lens_all,
    objective,
    settle,
    slot_kinds,
)
from workbench.pieces.reduction import SequenceSum, TokenMean
from workbench.pieces.regulariser import K2, EntropyBonus
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.types import Batch, Group, Problem, Request, Rollout

GRPO = find_method("grpo")


# --------------------------------------------------------------------------------------- the objective


def test_objective_is_the_weighted_sum_of_its_parts():
    entropy = torch.full((4, 3), 0.5, dtype=torch.float64)
    method = dataclasses.replace(
        GRPO,
        surrogate_weight=0.5,
        regularisers=(K2(coefficient=0.1), EntropyBonus(coefficient=0.01, reduction=SequenceSum())),
    )
    batch = toy(entropy=entropy)
    policy = loss_and_gradient(GRPO, batch)[0]
    k2 = 0.1 * ((batch.logprob - batch["ref_logprob"]).square() / 2).mean().item()
    bonus = -0.01 * 0.5 * 12 / 4  # its own reduction: tokens added, rollouts averaged
    close(loss_and_gradient(method, batch)[0], 0.5 * policy + k2 + bonus, 1e-9)


def test_lens_is_minus_the_gradient():
    push = lens(GRPO, toy())
    close(push, -loss_and_gradient(GRPO, toy())[1], 1e-12)
    assert push[0, 0] > 0  # a right answer's token is told to become likelier
    assert push[1, 0] < 0


def test_lens_all_names_every_leaf_the_method_reads():
    method = dataclasses.replace(GRPO, regularisers=(EntropyBonus(coefficient=0.3),))
    pushes = lens_all(method, toy(entropy=torch.ones(4, 3, dtype=torch.float64)))
    assert set(pushes) == {"logprob", "entropy"}
    close(pushes["entropy"], torch.full((4, 3), 0.3 / 12))


def test_a_missing_signal_says_how_to_get_it():
    method = dataclasses.replace(GRPO, regularisers=(EntropyBonus(coefficient=0.3),))
    with pytest.raises(ValueError, match="signal entropy was not recorded: workbench signals RUN --add entropy"):
        lens(method, toy())


def test_a_batch_of_unjudged_rollouts_pushes_nothing():
    nan = torch.full((4,), math.nan, dtype=torch.float64)
    assert (lens(GRPO, toy(reward=nan)) == 0).all()
    assert (advantages(GRPO, toy(reward=nan)) == 0).all()


def test_a_stored_advantage_stays():
    stored = torch.full((4, 3), math.nan, dtype=torch.float64)
    stored[2] = 0.25
    found = advantages(GRPO, toy(stored_advantage=stored))
    close(found[2], [0.25, 0.25, 0.25])
    close(found[0], advantages(GRPO, toy())[0])


def test_the_settled_advantage_may_come_from_a_larger_batch():
    """An update over two of four rollouts keeps the advantage that all four gave."""
    batch = toy()
    advantage = advantages(GRPO, batch)
    part = batch.rows(torch.tensor([0, 3]))
    settled = settle(GRPO, part, advantage[[0, 3]])
    close(settled.advantage[:, 0], [0.8660, 0.8660])
    close(settled.weight.sum().item(), 1.0)


def test_settled_rows_slice_constants_with_the_rollouts():
    method = dataclasses.replace(EXAMPLE, advantage=GRPO.advantage, regularisers=(Fit(),))
    settled = settle(method, toy(value=torch.zeros(4, 3, dtype=torch.float64)))
    part = settled.rows(torch.tensor([1, 2]))
    assert part.constants["regularisers.0"]["target"].shape == (2,)
    assert part.weight.shape == part.regulariser_weights[0].shape == (2, 3)


def test_half_precision_is_lifted_before_any_arithmetic():
    """A ratio of 1.001 is nothing bfloat16 could hold; GSPO's bounds lie still closer to 1."""
    difference = 0.0078125
    logprob = torch.full((2, 2), -1.0, dtype=torch.bfloat16) + difference
    batch = Batch(
        logprob=logprob,
        old_logprob=torch.full((2, 2), -1.0, dtype=torch.bfloat16),
        mask=torch.ones(2, 2, dtype=torch.bool),
        reward=torch.tensor([1.0, 0.0], dtype=torch.bfloat16),
        group=torch.zeros(2, dtype=torch.long),
    )
    loss = objective(GRPO, batch, settle(GRPO, batch))
    assert loss.dtype == torch.float32
    close(loss, 0.0, 1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("entropy", True),
        ("kl", True),
        ("value", True),
        ("logprob@hint", True),
        ("old_logprob@hint", False),
        ("ref_entropy", False),
        ("behaviour_logprob", False),
        ("truncated", False),
        ("top_probs", False),
    ],
)
def test_which_signals_carry_gradient(name, expected):
    assert carries_gradient(name) is expected


# ----------------------------------------------------------------------------------- methods as data


def test_derive_changes_slots_and_texts():
    child = derive(GRPO, title="a", paper="b", equation="c", changes="d", reduction=SequenceSum())
    assert (child.title, child.reduction, child.advantage) == ("a", SequenceSum(), GRPO.advantage)
    assert child.key == ""


def test_derive_demands_four_texts():
    with pytest.raises(TypeError, match="changes"):
        derive(GRPO, title="a", paper="b", equation="c")


def test_override_keeps_the_fields_left_out():
    assert GRPO.override({"surrogate": {"high": 0.28}}).surrogate == Clip(low=0.2, high=0.28)
    assert GRPO.override({"surrogate_weight": 2}).surrogate_weight == 2.0
    assert GRPO.override({"advantage": "leave_one_out"}).advantage.name == "leave_one_out"


def test_override_names_every_mistake_at_once():
    with pytest.raises(ValueError) as caught:
        GRPO.override({"surrogate": {"high": -1}, "ratio": "no_such", "losses": 1, "reduction": {"lenght": 3}})
    text = str(caught.value)
    for part in ("clip.high = -1", "no ratio is called 'no_such'", "method.losses: there is no such slot", "'lenght'"):
        assert part in text


def test_a_piece_in_the_wrong_slot_is_refused():
    with pytest.raises(ValueError, match="no advantage is called 'token_mean'"):
        GRPO.override({"advantage": "token_mean"})


def test_every_slot_is_a_field_of_method():
    fields = {field.name for field in dataclasses.fields(GRPO)}
    assert set(slot_kinds()) <= fields


def test_an_unknown_method_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no method is called 'gpro'; there are: .*grpo"):
        find_method("gpro")


# --------------------------------------------------------------------- what the slots must be able to hold


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
    close(state["average"], 0.5 * 0.1 + 0.9 * 0.05)
    batch = toy().replace(state={"advantage": state, "surrogate": {"secret": 1}})
    close(advantages(EXAMPLE, batch)[:, 0], [0.905, -0.095, -0.095, 0.905])


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
    close(pushes["value"], torch.full((4, 3), -2 * 2 * 0.25 / 12))  # two pieces, 12 tokens
    assert set(leaves(method, batch)) == {"logprob", "value"}


class Speller:
    """An encoder for tests: one token a character."""

    def prompt(self, text):
        return tuple(ord(letter) for letter in text)

    def text(self, tokens):
        return "".join(chr(token) for token in tokens)

    shown = text


PROBLEM = Problem("p", "2 + 2 =", "4")


def scored(number: int, verdicts: list[float]) -> Group:
    request = Request(PROBLEM, Speller().prompt(PROBLEM.prompt), group=number, number=number, n=len(verdicts))
    rollouts = [
        Rollout(request, index, [9], "", [-0.5], [-0.5], "stop", reward=verdict, correct=verdict)
        for index, verdict in enumerate(verdicts)
    ]
    return Group(number, PROBLEM, rollouts)


def test_a_context_gives_a_prompt_per_rollout_and_a_signal_back():
    piece = Cribbed()
    group = scored(0, [1.0, 0.0])
    prompts = piece.contexts(PROBLEM, group.rollouts, Speller())
    assert [Speller().text(prompt) for prompt in prompts["answer"]] == ["2 + 2 = (It is 4.)"] * 2
    method = dataclasses.replace(EXAMPLE, advantage=piece)
    assert method.needs == {"old_logprob@answer"}
    found = advantages(method, toy(**{"old_logprob@answer": OLD + 0.5}))
    close(found[:, 0], [0.75, -0.75, -0.75, 0.75])


def make_round(number: int, groups: list[Group]) -> Round:
    numbers, fresh = itertools.count(100), itertools.count(50)
    return Round(
        number,
        step=1,
        groups=groups,
        encoder=Speller(),
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
    assert Speller().text(request.prompt) == "2 + 2 = Hint: 4"
    assert Speller().text(request.training_prompt) == "2 + 2 ="
    assert first.drop_groups == {0}
    assert first.state == {"asked": 1}
    assert not piece(first.state, make_round(1, groups)).requests


def test_a_hinted_rollout_is_trained_on_the_bare_prompt():
    request = Request(PROBLEM, (1, 2, 3), group=0, number=0, training_prompt=(1,), prefix=(7,))
    rollout = Rollout(request, 0, [7, 8, 9], "", [0.0] * 3, [0.0] * 3, "stop")
    assert rollout.prompt == (1,)
    assert rollout.trained == [False, True, True]


def test_a_filter_answers_for_every_group():
    assert Easiest()([scored(0, [0.0, 0.0]), scored(1, [1.0, 0.0])]) == ["drop", "keep"]


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
        "regularisers.1",
        "filters.0",
        "controller",
    ]
    assert method.init()["controller"] == {"asked": 0}


def test_shapes_are_checked_while_tests_run():
    with pytest.raises(TypeError):
        Batch(logprob=OLD[0], old_logprob=OLD, mask=EQUAL, reward=OLD[:, 0], group=torch.zeros(4, dtype=torch.long))
