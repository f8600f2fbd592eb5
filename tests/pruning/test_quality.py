"""The quality head: what it starts from, what it learns, and how its skill is measured."""

import math

import pytest
import torch

from workbench.pruning.quality import (
    Labelled,
    Lesson,
    area,
    area_within,
    folded,
    logits,
    loss,
    make_head,
    refit,
    scores,
)
from workbench.pruning.replay_buffer import STORED, ReplayBuffer, joined

LESSON = Lesson(epochs=2, learning_rate=1e-2, seed=3, step=1)


def examples(count: int, seed: int = 0, width: int = 6) -> Labelled:
    """States of which the product of two numbers tells right from wrong, far from centred and scaled."""
    plain = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    return Labelled(plain * 30 + 100, plain[:, 0] * plain[:, 1] > 0)


def test_worked_by_hand():
    """x = (3, -1); first layer: 3 - 1 = 2 and -3 + 1 -> 0; logit = .5 * 2 + 7 * 0 - 2 = -1."""
    head = {
        "first": torch.tensor([[1.0, 1.0], [-1.0, 0.0]]),
        "first_bias": torch.tensor([0.0, 1.0]),
        "second": torch.tensor([0.5, 7.0]),
        "second_bias": torch.tensor(-2.0),
        "centre": torch.tensor([1.0, 1.0]),
        "scale": torch.tensor([2.0, 4.0]),
    }
    hidden = torch.tensor([[7.0, -3.0]])
    torch.testing.assert_close(logits(head, hidden), torch.tensor([-1.0]))
    plain = {**folded(head), "centre": torch.zeros(2), "scale": torch.ones(2)}
    torch.testing.assert_close(logits(plain, hidden), torch.tensor([-1.0]))


def test_it_starts_undecided():
    hidden = examples(50).hidden
    head = make_head(hidden, 8, seed=0)
    assert (scores(head, hidden) == 0.5).all()
    assert not torch.equal(head["first"], make_head(hidden, 8, seed=1)["first"])
    assert torch.equal(head["first"], make_head(hidden, 8, seed=0)["first"])


def test_a_number_that_never_varies_is_no_trouble():
    hidden = torch.ones(5, 3)
    assert scores(make_head(hidden, 4, seed=0), hidden).isfinite().all()


def test_it_learns_what_no_single_layer_could():
    data, held_out, fresh = examples(1500), examples(400, 1), examples(1000, 2)
    head = make_head(data.hidden, 32, seed=0)
    for step in range(8):
        head = refit(head, data, held_out, Lesson(2, 1e-2, 0, step))
    assert area(scores(head, fresh.hidden), fresh.correct) > 0.95
    assert loss(head, fresh) < 0.35


def test_what_makes_it_worse_on_held_out_groups_is_not_taken():
    data, held_out = examples(64), examples(300, 1)
    head = make_head(data.hidden, 32, seed=0)
    wrong = Labelled(held_out.hidden, ~held_out.correct)
    for step in range(10):
        head = refit(head, data, wrong, Lesson(2, 1e-2, 0, step))
    assert loss(head, wrong) <= math.log(2) + 1e-6  # no worse than saying nothing


def test_a_lesson_is_the_same_every_time():
    data, held_out = examples(600), examples(100, 1)
    head = make_head(data.hidden, 8, seed=0)
    first, again = (refit(head, data, held_out, LESSON) for _ in range(2))
    other = refit(head, data, held_out, Lesson(2, 1e-2, 3, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["first"], other["first"])


def test_without_anything_to_learn_from_it_stays():
    held_out = examples(20)
    head = make_head(held_out.hidden, 4, seed=0)
    found = refit(head, Labelled(held_out.hidden[:0], held_out.correct[:0]), held_out, LESSON)
    assert all(torch.equal(found[name], head[name]) for name in head)


def test_without_held_out_rollouts_the_last_state_is_taken():
    data = examples(300)
    head = make_head(data.hidden, 8, seed=0)
    found = refit(head, data, Labelled(data.hidden[:0], data.correct[:0]), LESSON)
    assert loss(found, data) < loss(head, data)


def test_area_under_the_curve():
    correct = torch.tensor([True, False, True, False, False])
    assert area(torch.tensor([3.0, 1.0, 2.0, 2.0, 0.0]), correct) == pytest.approx(5.5 / 6)
    assert area(torch.full((5,), 0.5), correct) == 0.5
    assert area(torch.ones(2), torch.tensor([True, True])) is None


def test_area_within_groups_ignores_how_hard_a_problem_is():
    """The scores tell the easy group from the hard one, and within each are the wrong way round."""
    score = torch.tensor([0.8, 0.9, 0.9, 0.1, 0.1, 0.2])
    correct = torch.tensor([True, True, False, True, False, False])
    group = torch.tensor([0, 0, 0, 1, 1, 1])
    assert area(score, correct) > 0.5
    assert area_within(score, correct, group) == pytest.approx((0.5 * 1 + 0.5 * 1) / 4)
    assert area_within(score, correct, torch.arange(6)) is None


def test_the_memory_keeps_the_newest():
    def memory(start: int, count: int) -> ReplayBuffer:
        number = torch.arange(start, start + count)
        return ReplayBuffer(number[:, None].to(STORED), number % 2 == 0, number, number.float(), number % 3 == 0)

    whole = joined([memory(0, 4), memory(4, 3)], size=5)
    assert whole.group.tolist() == [2, 3, 4, 5, 6]
    assert whole.part(held_out=True).group.tolist() == [3, 6]
    assert whole.part(held_out=False).labelled().hidden[:, 0].tolist() == [2.0, 4.0, 5.0]
    assert ReplayBuffer.read({}) is None
    assert ReplayBuffer.read(whole.write()).group.tolist() == whole.group.tolist()
