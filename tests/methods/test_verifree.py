"""VeriFree: the published weights, and the reference's rows in one step of a small model."""

import pytest
import torch

from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.engines.scripted import ScriptedEngine
from workbench.method import advantages, lens
from workbench.methods.verifree import ROLE, TrainReference
from workbench.registry import find_method
from workbench.rewards.scoring import score_groups
from workbench.rewards.verifree import Verifree
from workbench.types import Batch

REWARDS = [0.504, 0.12, 0.006, 0.8464]


def rows() -> tuple[Batch, list[list[int]]]:
    """The published group and its reference rows as a batch."""
    group = scored(0, REWARDS, [f"z{place} answer: 5" for place in range(4)])
    orders = TrainReference()({}, make_round(0, [group]))
    rollouts = [*group.rollouts, *orders.rollouts]
    width = max(len(rollout.tokens) for rollout in rollouts)

    def table(lists: list[list[float]]) -> torch.Tensor:
        return torch.tensor([[*each, *[0.0] * (width - len(each))] for each in lists])

    nan = float("nan")
    stored = [rollout.extras.get("stored_advantage", [nan] * len(rollout.tokens)) for rollout in rollouts]
    mask = table([[float(each) for each in rollout.trained] for rollout in rollouts]) > 0
    groups = torch.tensor([rollout.request.group for rollout in rollouts])
    reward = torch.tensor([*REWARDS, *REWARDS])
    blank = torch.zeros(mask.shape)
    batch = Batch(blank, blank, mask, reward, groups, extras={"stored_advantage": table(stored)})
    return batch, [rollout.tokens for rollout in orders.rollouts]


def test_weights_as_published() -> None:
    batch, tokens = rows()
    found = advantages(find_method("verifree"), batch)
    own = [float(row[mask][0]) for row, mask in zip(found, batch.mask, strict=True)]
    assert own[:4] == pytest.approx([0.1799, -0.3321, -0.4841, 0.6364], abs=1e-4)
    assert own[4:] == pytest.approx(REWARDS)
    assert batch.mask.sum(1).tolist() == [12] * 4 + [2] * 4  # of the reference rows " 4" alone
    assert ["".join(map(chr, each)) for each in tokens] == [f"z{place} answer: 4" for place in range(4)]
    push = lens(find_method("verifree"), batch)
    assert float(push[0, 0]) * 8 == pytest.approx(0.1799, abs=1e-4)
    assert float(push[4, batch.mask[4]][0]) * 8 == pytest.approx(0.504)


def test_what_has_no_weight_or_no_answer_adds_no_row() -> None:
    group = scored(0, [0.0, 0.5, 0.5], ["z answer: 5", "no end", "z answer: 5"])
    orders = TrainReference()({}, make_round(0, [group]))
    assert [rollout.request.parent for rollout in orders.rollouts] == [(0, 2)]


def test_a_step_trains_both_terms() -> None:
    method = find_method("verifree")
    trainer = make_trainer(
        method, make_settings(training={"steps": 1, "mismatch_limit": 0}, rollouts={"max_tokens": 24})
    )
    parts = trainer.parts
    answers = {parts.task.problem(number, "train").key: ["so answer: 1", "answer: 2", "none"] for number in range(2000)}
    parts.engine = ScriptedEngine(parts.encoder, answers)
    parts.score = lambda groups: score_groups([("verifree", Verifree(), 1.0)], (), groups, parts.scorer, 24)
    step = next(iter(trainer))
    assert step.columns is not None
    made = [place for place, role in enumerate(step.columns["role"]) if role == ROLE]
    assert made
    plain = [place for place, role in enumerate(step.columns["role"]) if not role]
    paid = [place for place in plain if step.columns["reward"][place] > 0]
    assert len(made) == len(paid)
    assert step.metrics["grad_norm"] > 0
    assert [step.columns["parent"][place] for place in made] == paid
