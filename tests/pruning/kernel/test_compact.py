"""Judging and moving rows in torch, checked by hand and against the survival rules; and the choice of who does it."""

from functools import partial

import numpy as np
import pytest
import torch

from tests.pruning.kernel.cases import make_rows
from workbench.engines.local.rows import Rows, holes
from workbench.engines.local.shared import Shape
from workbench.pruning import survival
from workbench.pruning.kernel.choice import bind
from workbench.pruning.kernel.compact import (
    JUDGED,
    STAYS,
    UNIT,
    Cache,
    Judged,
    Policy,
    TorchCompactor,
)

MIXED = [0.92, 0.85, 0.78, 0.66, 0.55, 0.40, 0.22, 0.08]
HARD = [0.6, 0.4, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03]


def one_group(likely: list[float], uniform: list[float] | None = None, start: float = 0.5) -> Judged:
    """Rows of one group with these posteriors, a bin for each."""
    size = len(likely)
    noise = torch.arange(size) << 40 if uniform is None else (torch.tensor(uniform).double() * 2**53).long()
    return Judged(
        (torch.arange(size) + 0.5) / size,
        (torch.tensor(likely).double() * UNIT).int(),
        torch.full((size,), JUDGED, dtype=torch.uint8),
        torch.zeros(size, dtype=torch.int32),
        noise,
        torch.tensor([int(start * UNIT)], dtype=torch.int32),
    )


def test_the_printed_rule_worked_by_hand() -> None:
    uniform = [0.31, 0.77, 0.12, 0.58, 0.49, 0.93, 0.05, 0.66]
    policy = Policy(rule="paper", draw="bernoulli", shift=0.02875)
    plan = TorchCompactor().judge(one_group(MIXED, uniform), policy)
    # .5 + .02875 + .5 (.5 - posterior), the mean of the posteriors being .5575
    wanted = torch.tensor([0.319, 0.354, 0.389, 0.449, 0.504, 0.579, 0.669, 0.739])
    torch.testing.assert_close(plan.probability / UNIT, wanted, atol=5e-4, rtol=0)
    assert plan.kept.nonzero().flatten().tolist() == [0, 2, 4, 6, 7]
    # five survivors: rows 0 to 4 in the end, those at 6 and 7 in the holes at 1 and 3
    assert plan.count.tolist() == [5, 2]
    assert plan.order[:5].tolist() == [0, 6, 2, 7, 4]


@pytest.mark.parametrize("rule", ["group", "sign", "random"])
@pytest.mark.parametrize(
    "likely", [MIXED, [0.6, 0.4, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03], [0.5] * 8, [0.3] * 7 + [0.9]]
)
def test_whole_numbers_follow_the_survival_rules(rule: str, likely: list[float]) -> None:
    policy = Policy(rule=rule, slope=0.7)
    plan = TorchCompactor().judge(one_group(likely), policy)
    wanted = survival.RULES[rule](np.array(likely), survival.Bounds(slope=0.7)).probability
    np.testing.assert_allclose(plan.probability.numpy() / UNIT, wanted, atol=2e-4)
    assert int(plan.probability.sum()) == 4 * UNIT  # to the unit
    assert plan.count[0] == 4 == policy.survivors([8])


def test_each_survives_with_its_own_probability() -> None:
    marks = np.linspace(0, 1, 100, endpoint=False)
    compact = TorchCompactor()
    plans = [compact.judge(one_group(MIXED, start=float(mark)), Policy()) for mark in marks]
    share = torch.stack([plan.kept for plan in plans]).double().mean(0)
    torch.testing.assert_close(share, plans[0].probability / UNIT, atol=0.011, rtol=0, check_dtype=False)


def test_the_plan_is_the_engines() -> None:
    kept = [1, 0, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0]
    rows = make_rows(np.random.default_rng(0), 16, 0, (0.5, 0.5, 0.0))
    rows.state.copy_(torch.tensor(kept) * STAYS)
    plan = TorchCompactor().judge(rows, Policy())
    sources, targets = holes([bool(row) for row in kept])
    assert list(zip(sources, targets, strict=True)) == [(8, 1), (9, 2), (12, 5), (14, 7)]
    assert plan.source[:4].tolist() == sources
    assert plan.target[:4].tolist() == targets
    assert plan.count.tolist() == [8, 4]


def test_the_engines_rows_move_alike() -> None:
    shape = Shape(layers=2, heads=3, width=4, dtype=torch.float32, device=torch.device("cpu"))
    ours, theirs = Rows(shape, 6, 5, partial(bind, TorchCompactor())), Rows(shape, 6, 5)
    sources, targets = holes([True, False, False, True, True, True])
    for rows in (ours, theirs):
        rows.pairs.copy_(torch.randn(rows.pairs.shape, generator=torch.Generator().manual_seed(0)))
        rows.position.copy_(torch.tensor([3, 4, 5, 1, 2, 4]))
        rows.move(sources, targets, rows.position[sources].tolist())
    assert torch.equal(ours.position, theirs.position)
    for row in range(4):
        tokens = int(ours.position[row])
        assert torch.equal(ours.pairs[:, :, row, :, :tokens], theirs.pairs[:, :, row, :, :tokens])
    assert not torch.equal(ours.pairs, theirs.pairs)  # what lies behind the valid tokens is left alone


def test_only_valid_tokens_of_moved_rows_are_copied() -> None:
    rows = make_rows(np.random.default_rng(0), 4, 0, (0.5, 0.5, 0.0))
    rows.state.copy_(torch.tensor([1, 0, 1, 1]))
    pairs = torch.arange(4.0)[:, None, None, None].expand(4, 2, 3, 2).clone()
    length = torch.tensor([1, 1, 1, 2], dtype=torch.int32)
    cache = Cache((pairs,), (length,))
    TorchCompactor().move(cache, TorchCompactor().judge(rows, Policy()), length)
    assert pairs[1, 0, :, 0].tolist() == [3, 3, 1]  # two of three tokens
    assert pairs[:, 0, 0, 0].tolist() == [0, 3, 2, 3]
    assert length.tolist() == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("policy", "sizes", "count"),
    [
        (Policy(), [16, 16, 7, 3], 8 + 8 + 4 + 3),
        (Policy(keep=0.9), [4], None),  # 4 are wanted, but no more than 3.6 allowed
        (Policy(rule="paper"), [16], None),
        (Policy(draw="bernoulli"), [16], None),
        (Policy(draw="bernoulli"), [3], 3),
    ],
)
def test_how_many_go_on_is_known_beforehand(policy: Policy, sizes: list[int], count: int | None) -> None:
    assert policy.survivors(sizes) == count


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"rule": "best"}, "best"),
        ({"keep": 0.95}, "between the bounds"),
        ({"keep": 0.0, "least": 0.0}, "above 0"),
        ({"steepest": 100.0}, "at most 64"),
        ({"smallest": 0}, "at least 1"),
    ],
)
def test_a_wrong_policy_is_refused(wrong: dict[str, float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Policy(**wrong)  # type: ignore[arg-type]


def test_wrong_tensors_are_refused() -> None:
    rows = one_group(MIXED)
    with pytest.raises(ValueError, match=r"torch\.int64"):
        Judged(rows.score, rows.posterior, rows.state, rows.group, rows.noise.int(), rows.start)
    with pytest.raises(ValueError, match="gaps"):
        Cache((torch.zeros(4, 2, 8, 6)[..., ::2],))
    with pytest.raises(ValueError, match="gaps"):
        Cache((torch.zeros(4, 2, 3, 6),), (torch.zeros(4, 6)[:, ::2],))
    with pytest.raises(ValueError, match="at most 4096"):
        make_rows(np.random.default_rng(0), 4097, 1)
