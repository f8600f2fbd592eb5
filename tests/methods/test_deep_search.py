"""DeepSearch: the card's backup, bounds and advantages; how a tree grows; what is kept and comes again."""

import math
from dataclasses import replace

import pytest
import torch

from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.kinds import Past, Pool
from workbench.methods.deep_search import (
    DIRECT,
    PATH,
    SEARCH,
    Node,
    Roots,
    SearchTree,
    back_up,
    node_advantages,
    upper_bound,
)
from workbench.pieces.archive import KeepCorrect, solved
from workbench.registry import find_method
from workbench.types import Finish, Group, Problem, Request, Rollout
from workbench.types.memory import LONGEST, Ledger, Stock


def leaf(outcome: float, parent: Node) -> Node:
    """A leaf with this outcome."""
    rollout = Rollout(
        Request(Problem("p", "q", "a"), (1,), 0, 0), 0, [], "", [], [], "stop", correct=float(outcome > 0)
    )
    node = Node(rollout, parent, parent.depth + 1, terminal=True)
    parent.children.append(node)
    return node


def two_paths(first: float, second: float) -> list[Node]:
    """Two paths of an inner node and a leaf each, backed up."""
    root = Node()
    leaves = [leaf(outcome, Node(None, root, 1)) for outcome in (first, second)]
    for each in leaves:
        back_up(each, each.outcome)
    return leaves


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ((-1.0, 1.0), [[-0.583, -1.0], [0.583, 1.0]]),
        ((-1.0, -1.0), [[0.417, 0.0], [0.417, 0.0]]),
        ((1.0, 1.0), [[-0.417, 0.0], [-0.417, 0.0]]),
    ],
)
def test_the_cards_advantages(outcomes: tuple[float, float], expected: list[list[float]]) -> None:
    found = node_advantages(two_paths(*outcomes))
    assert found == [pytest.approx(row, abs=5e-4) for row in expected]


def test_the_cards_decay_bound_and_frontier() -> None:
    root = Node()
    nodes = [root]
    for _ in range(3):
        nodes.append(Node(None, nodes[-1], nodes[-1].depth + 1))
    back_up(leaf(1.0, nodes[-1]), 1.0)
    assert [node.value for node in nodes] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    parent = Node(visits=10)
    assert upper_bound(Node(None, parent, value=2.0, visits=4), 2.0) == pytest.approx(2.017, abs=1e-3)
    assert upper_bound(Node(None, parent), 2.0) == math.inf
    node = Node(None, Node(value=2.0, visits=4, depth=7), 8, logprob=[-0.7])
    assert SearchTree().frontier(node, 64) == pytest.approx(0.188, abs=1e-3)
    assert SearchTree(doubt=0.4).frontier(node, 64) == pytest.approx(0.468, abs=1e-3)


def test_a_correct_leaf_replaces_what_incorrect_ones_left_and_not_the_other_way_round() -> None:
    root = Node()
    wrong, right = leaf(-1.0, root), leaf(1.0, root)
    back_up(wrong, -1.0)
    assert root.value == -0.5
    back_up(right, 1.0)
    assert (root.value, root.visits) == (0.5, 2)
    back_up(wrong, -1.0)
    assert (root.value, root.visits) == (0.5, 3)


def segment(
    number: int,
    index: int,
    text: str,
    finish: Finish = "stop",
    above: Rollout | None = None,
    certain: float = -0.5,
) -> Rollout:
    """A node's rollout, below another one; a capital letter makes it correct."""
    prefix = tuple(above.tokens) if above else ()
    request = Request(
        Problem("p", "q", "4"),
        (9,),
        group=0,
        number=number,
        prefix=prefix,
        role=SEARCH,
        train=False,
        parent=above.key if above else None,
    )
    numbers = [math.nan] * len(prefix) + [certain] * (len(text) - len(prefix))
    rollout = Rollout(request, index, [ord(each) for each in text], text, numbers, list(numbers), finish)
    rollout.round = number
    rollout.correct = rollout.reward = float(text[-1].isupper())
    return rollout


def test_a_tree_grows_a_node_a_round() -> None:
    """Two open segments; the first is continued, and its children end; then the frontier is compared."""
    piece = SearchTree(segment=2, width=2)
    group = Group(0, Problem("p", "q", "4"), [segment(0, 0, "ab", "length"), segment(0, 1, "cd", "length")])
    one, other = group.rollouts
    first = replace(make_round(0, [group]), rollouts=3, max_tokens=32)
    (request,) = piece({}, first).requests
    assert (request.prefix, request.parent, request.n, request.max_tokens) == ((97, 98), (0, 0), 2, 4)
    group.rollouts += [segment(1, 0, "abX", above=one), segment(1, 1, "aby", above=one, certain=-0.1)]
    orders = piece({}, replace(first, number=1, groups=[group]))
    (request,) = orders.requests  # of the frontier only "cd" is left
    assert request.prefix == (99, 100)
    right, wrong = group.rollouts[2:]
    assert right.request.tag == wrong.request.tag == PATH
    assert right.trained == [True] * 3
    # the correct leaf was backed up, though the other was more certain: 2/3 at the inner node; the mean outcome is 0
    assert right.extras["stored_advantage"] == pytest.approx([math.tanh(2 / 3)] * 2 + [1.0])
    assert wrong.extras["stored_advantage"] == pytest.approx([math.tanh(2 / 3)] * 2 + [-1.0])
    assert right.engine_logprob == right.sampled_logprob == [-0.5] * 3
    group.rollouts += [segment(2, 0, "cdz", above=other)]
    orders = piece({}, replace(first, number=2, groups=[group]))
    assert not orders.requests
    assert orders.drop is not None
    assert [each.text for each in group.rollouts if not orders.drop(each)] == ["abX", "aby", "cdz"]


def test_a_step_of_a_small_policy_and_its_ledger() -> None:
    method = find_method("deep_search").override({"controller": {"width": 3}, "sampler": {"width": 3}})
    settings = make_settings(
        rollouts={"problems": 2, "rollouts": 4, "max_tokens": 8, "rounds": 30}, training={"steps": 1}
    )
    trainer = make_trainer(method, settings)
    (step,) = list(trainer)
    columns = step.columns
    assert columns is not None
    assert set(columns["tag"]) == {PATH}
    assert step.metrics["rollouts"] == 8.0  # four leaves of each tree
    assert {entry[2] for entry in step.journal["ledger"][0]["visits"]} == {4}  # nodes are no attempts
    stored, offsets = columns["stored_advantage"], columns["offsets"]
    parts = [stored[offsets[row] : offsets[row + 1]] for row in range(8)]
    assert all(len(part) and not torch.tensor(part).isnan().any() for part in parts)
    gap = columns["engine_logprob"] - columns["old_logprob"]
    assert abs(gap).max() < 1e-4  # every token of a path has the log-prob that its node was sampled with


def test_correct_completions_of_hard_problems_are_kept_and_come_again() -> None:
    group = scored(0, [0.0, 0.0, 1.0, 0.0])
    past = Past(3, [group, scored(1, [1.0, 0.0]), scored(2, [0.0])], Ledger(), Stock(), lambda index: 0.5)
    (made,), _ = KeepCorrect()({}, past)
    (kept,) = solved(made)
    assert (made.key, kept["step"], kept["text"]) == ("p0", 3, "answer 2.")
    assert kept["logprob"] == pytest.approx(-4.5)
    picks, _ = Roots()({"next": 0, "order": []}, Pool(None, 1, 4, 1, lambda index: 0.5, problem=lambda number: made))
    assert picks[0].ask.tag == DIRECT
    again = scored(0, [0.0] * 4, tag=DIRECT, solved=[kept])
    orders = SearchTree()({}, make_round(0, [again]))
    (rollout,) = orders.rollouts
    assert (rollout.text, rollout.finish, rollout.request.group) == ("answer 2.", "given", 0)
    assert orders.drop is not None
    assert [orders.drop(each) for each in again.rollouts] == [True, False, False, False]
    assert not orders.requests


def test_what_is_kept_is_bounded() -> None:
    long = [{"step": 1, "tokens": [10_000] * 1000, "text": "x" * 2000, "logprob": -1.0}] * 8
    group = scored(0, [1.0, 0.0, 0.0, 0.0], solved=long)
    made = KeepCorrect().enriched(group, 2)
    assert solved(made)[-1]["step"] == 2
    lines, faults = Stock().lines([made], 2)
    assert (len(lines), faults) == (1, [])
    assert len(str(lines[0]["data"])) < LONGEST + 100
