"""Head-tail re-balancing: the card's counts, by a limit, by copies, by further rollouts."""

import pytest

from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.methods.head_tail import COPY, GUIDED, SURPLUS, Rebalance
from workbench.registry import find_method
from workbench.types import Group

RIGHT = [16, 14, 8, 4, 1, 0]  # of 16


def groups() -> list[Group]:
    return [scored(n, [1.0] * right + [0.0] * (16 - right)) for n, right in enumerate(RIGHT)]


def trained(found: list[Group]) -> list[int]:
    """Correct completions that are trained, by problem."""
    return [sum(each.correct == 1 and any(each.trained) for each in group.rollouts) for group in found]


def test_a_limit_evens_the_head_out() -> None:
    found = groups()
    orders = Rebalance(how="clip")({}, make_round(0, found))
    assert not orders.requests
    assert not orders.rollouts
    counts = trained(found)
    assert counts == [4, 4, 4, 4, 1, 0]
    assert [count / sum(counts) for count in counts] == pytest.approx([0.235] * 4 + [0.059, 0], abs=5e-4)
    assert found[0].rollouts[4].request.tag == SURPLUS


def test_copies_fill_every_solved_problem_up() -> None:
    found = groups()
    copies = Rebalance()({}, make_round(0, found)).rollouts
    counts = trained(found)
    for each in copies:
        counts[each.request.group] += 1
    assert counts == [16] * 5 + [0]
    last = [each for each in copies if each.request.group == 4]
    assert len(last) == 15  # the one correct completion, sixteen times
    assert {(each.text, each.request.tag, each.finish) for each in last} == {("answer 0.", COPY, "given")}
    assert len({each.key for each in copies}) == len(copies)


def test_further_rollouts_are_as_many_as_failed() -> None:
    orders = Rebalance(how="resample")({}, make_round(0, groups()))
    extra = {request.group: request.n for request in orders.requests}
    assert [extra.get(n, 0) for n in range(6)] == [0, 2, 8, 12, 15, 16]
    expected = [extra.get(n, 0) * right / 16 for n, right in enumerate(RIGHT)]
    assert expected == pytest.approx([0, 1.75, 4, 3, 0.94, 0], abs=5e-3)
    assert not Rebalance(how="resample")({}, make_round(1, groups())).requests


def test_guided_ones_begin_as_a_correct_one_did() -> None:
    orders = Rebalance(how="guide")({}, make_round(0, groups()))
    assert {request.group for request in orders.requests} == {2, 3, 4}  # solved at times, at most half of it
    hard = [request for request in orders.requests if request.group == 4]
    assert [(len(request.prefix), request.n, request.tag) for request in hard] == [
        (2, 5, GUIDED),
        (4, 5, GUIDED),
        (6, 5, GUIDED),
    ]
    assert hard[0].prefix == tuple(map(ord, "an"))


def test_a_step_trains_copies_like_the_completion_itself() -> None:
    trainer = make_trainer(find_method("head_tail"), make_settings(training={"steps": 1}))
    (step,) = list(trainer)
    columns = step.columns
    assert columns is not None
    assert columns["tag"].count(COPY) == 8  # half of 16 failed
    rows = {row: columns["parent"][row] for row, tag in enumerate(columns["tag"]) if tag == COPY}
    offsets, lens = columns["offsets"], columns["lens"]
    for row, parent in rows.items():
        own, other = (lens[offsets[n] : offsets[n + 1]] for n in (row, parent))
        assert own.tolist() == pytest.approx(other.tolist())
