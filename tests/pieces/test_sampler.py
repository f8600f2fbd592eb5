"""Uniform sampling: every problem once an epoch, in an order that seed and step give."""

import random

from workbench.kinds import Pool
from workbench.pieces.sampler import Uniform


def pool(size: int | None, step: int, count: int = 3) -> Pool:
    return Pool(size, count, 4, step, lambda number: random.Random(f"{step} {number}").random())


def draw(size: int | None, steps: int, count: int = 3) -> list[int]:
    """The problems of all steps, in order."""
    piece, drawn = Uniform(), []
    state = piece.init()
    for step in range(steps):
        picks, state = piece(state, pool(size, step, count))
        drawn += [pick.number for pick in picks]
        assert {pick.rollouts for pick in picks} == {4}
    return drawn


def test_an_endless_pool_is_walked():
    assert draw(None, 2) == [0, 1, 2, 3, 4, 5]


def test_every_problem_comes_once_an_epoch():
    drawn = draw(6, 4)
    assert sorted(drawn[:6]) == sorted(drawn[6:]) == list(range(6))
    assert drawn[:6] != drawn[6:]
    assert drawn == draw(6, 4)


def test_a_pool_smaller_than_a_step_is_used_several_times():
    drawn = draw(2, 1, count=5)
    assert sorted(drawn[:4]) == [0, 0, 1, 1]
    assert len(drawn) == 5


def test_state_carries_an_unfinished_epoch():
    piece = Uniform()
    first, state = piece(piece.init(), pool(5, 0))
    second, _ = piece(state, pool(5, 1))
    assert sorted(pick.number for pick in [*first, *second][:5]) == list(range(5))
