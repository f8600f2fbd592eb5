"""AZR: the card's rewards and advantages, a step's rounds, seeding, what is refused, on a player without weights."""

from typing import Any

import pytest
import torch

from scripts.sources import ROOT
from tests.methods.self_play import fluent, player, rows, small
from workbench.config import RunConfig
from workbench.environments.small_language import SmallLanguage
from workbench.kinds import Pool, Watched
from workbench.methods.azr import PROPOSE, SEED, TRY, SelfPlay
from workbench.pieces.advantage import TaskRelative
from workbench.pieces.alarms import OneSkeleton
from workbench.pieces.sampler import NewestFirst
from workbench.registry import find_method
from workbench.runs.process.build import build, errors
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Batch, Problem
from workbench.types.memory import Stock, plain

SMALL = SmallLanguage()
GOOD = "def f(x): x = x + [4]; x = x[::-1]; return x\nx = [1, 2]"


def batch(rewards: list[float], lengths: list[int], cohorts: list[float] | None = None) -> Batch:
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    zeros = torch.zeros(mask.shape, dtype=torch.float64)
    extras = {} if cohorts is None else {"cohort": torch.tensor(cohorts)}
    return Batch(
        zeros, zeros, mask, torch.tensor(rewards, dtype=torch.float64), torch.arange(len(rewards)), extras=extras
    )


# ------------------------------------------------------------------------------------------------ the card's numbers


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("azr", [-0.5, 0.875, 0.5, 0.125, -0.5]),
        ("azr_paper", [0.0, 0.875, 0.5, 0.125, 0.0]),
        ("azr_half", [0.0, 0.25, 1.0, 0.25, 0.0]),
    ],
)
def test_rewards_of_the_card(key: str, expected: list[float]) -> None:
    controller = find_method(key).controller
    assert isinstance(controller, SelfPlay)
    assert [controller.worth(rate).value for rate in (0, 0.125, 0.5, 0.875, 1)] == expected


@pytest.mark.parametrize(
    ("rewards", "lengths", "expected"),
    [
        ([1, -0.5, -0.5, 1], [3, 3, 3, 3], [0.957, -0.957, -0.957, 0.957]),
        ([1, -0.5, -0.5, 1], [1, 3, 3, 1], [1.620, -0.540, -0.540, 1.620]),
        ([0.875, -0.5, 0.25, -1], [3, 3, 3, 3], [1.298, -0.544, 0.461, -1.214]),
        ([-0.5, -0.5, -0.5, -1], [2, 2, 2, 2], [0.540, 0.540, 0.540, -1.620]),
        ([0.5, 0.5, 0.5, 0.5], [3, 2, 1, 3], [0, 0, 0, 0]),
    ],
)
def test_advantages_of_the_card(rewards: list[float], lengths: list[int], expected: list[float]) -> None:
    assert TaskRelative()(batch(rewards, lengths))[:, 0].tolist() == pytest.approx(expected, abs=1e-3)


def test_every_role_and_kind_has_a_baseline_of_its_own() -> None:
    solve, propose = [1, -0.5, -0.5, 1], [0.875, -0.5, 0.25, -1]
    together = TaskRelative()(batch(solve + propose, [3] * 8, [0.0] * 4 + [1.0] * 4))
    apart = [TaskRelative()(batch(rewards, [3] * 4)) for rewards in (solve, propose)]
    assert torch.equal(together, torch.cat(apart))
    mixed = TaskRelative()(batch(solve + propose, [1] * 8))[:, 0]
    assert mixed[[0, 4]].tolist() == pytest.approx([1.146, 0.991], abs=1e-3)  # the card's, with one baseline


# ------------------------------------------------------------------------------------------------ the rounds


def test_a_step_seeds_proposes_tries_and_stocks_and_the_next_one_solves_what_is_new() -> None:
    trainer = player(fluent, small(), steps=2)
    first, second = list(trainer)
    found = {(role, source, excluded) for role, source, excluded in rows(first, "role", "source", "excluded")}
    assert {(SEED, kind, "not trained") for kind in SMALL.kinds} < found
    assert {(TRY, kind, "not trained") for kind in SMALL.kinds} < found
    assert {(PROPOSE, kind, None) for kind in SMALL.kinds} < found
    assert not [role for (role,) in rows(first, "role") if role == ""]
    assert {role for role, excluded in rows(second, "role", "excluded") if excluded is None} == {"", PROPOSE}
    stock = trainer.parts.stock
    solved = [key for role, key in rows(second, "role", "problem") if role == ""]
    assert len(solved) == 6
    assert all(stock.steps[key] == 1 for key in solved)
    rated = [each for each in stock if "rate" in each.data]
    assert {each.data["rate"] for each in rated} == {0.5}
    groups = {group: reward for role, group, reward in rows(first, "role", "group", "reward") if role == TRY}
    assert all(each.data["group"] in groups for each in rated if stock.steps[each.key] == 1)
    assert first.metrics["stock"] == sum(step == 1 for step in stock.steps.values())
    assert (
        second.metrics["stock"]
        == len(stock)
        == second.metrics["stock.predict"] + sum(second.metrics[f"stock.{kind}"] for kind in ("find", "write"))
    )
    assert first.metrics["reward.propose"] == 0.5
    assert first.metrics["useful.propose"] == first.metrics["valid.propose"] == 1
    assert "correct.propose" not in first.metrics


def test_tries_are_children_of_their_proposal() -> None:
    (step,) = list(player(fluent, small()))
    found = rows(step, "role", "parent", "parts", "problem")
    for role, parent, _, problem in found:
        if role == TRY:
            assert found[parent][0] == PROPOSE
            assert found[parent][2][0]["reason"] == "valid; 50% of its tries were correct"
            assert problem.startswith(("predict-", "find-", "write-"))


def test_what_the_variants_train() -> None:
    trained = {}
    for key in ("azr", "azr_frozen", "azr_solver"):
        *_, step = list(player(fluent, small(key), steps=2))
        trained[key] = {role for role, excluded in rows(step, "role", "excluded") if excluded is None}
        asked = {role for (role,) in rows(step, "role")}
        assert asked == ({""} if key == "azr_solver" else {"", PROPOSE, TRY})
    assert trained == {"azr": {"", PROPOSE}, "azr_frozen": {""}, "azr_solver": {""}}
    (step,) = list(player(fluent, small(train_tries=True)))
    assert (TRY, None) in rows(step, "role", "excluded")


def test_one_optimiser_update_a_step() -> None:
    trainer = player(fluent, small(), steps=3)
    assert [int(step.metrics["loss"] == step.metrics["loss"]) for step in trainer] == [1, 1, 1]
    counts = {int(each["step"]) for each in trainer.learner.optimiser.state.values()}
    assert counts <= {3}


def test_the_forecast_counts_no_less_than_a_step_has() -> None:
    method = small()
    assert method.controller is not None
    most = method.controller.most_rollouts(6, 1)
    for step in player(fluent, method, steps=2):
        assert step.metrics["rollouts"] <= most
    assert find_method("azr").controller.most_rollouts(192, 1) == 3 * 256 * 4 + 3 * 64 * 9  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------------ memory


def test_a_run_that_is_resumed_from_a_checkpoint_is_the_same_bit_for_bit(tmp_path: Any) -> None:
    def until(trainer: Trainer, steps: int) -> list[Step]:
        return [step for _, step in zip(range(steps), trainer, strict=False)]

    whole = player(fluent, small(), steps=4)
    expected = until(whole, 4)
    begun = player(fluent, small(), steps=4)
    until(begun, 2)
    begun.save(tmp_path / "checkpoint")
    resumed = player(fluent, small(), steps=4)
    resumed.load(tmp_path / "checkpoint")
    found = until(resumed, 2)
    for name in ("text", "reward", "problem", "cohort"):
        assert [str(row) for step in expected[2:] for row in rows(step, name)] == [
            str(row) for step in found for row in rows(step, name)
        ]
    assert [plain(each) for each in whole.parts.stock] == [plain(each) for each in resumed.parts.stock]
    assert whole.parts.stock.steps == resumed.parts.stock.steps
    for name, weight in whole.policy.trainable().items():
        assert torch.equal(weight, resumed.policy.trainable()[name]), name


def test_the_sampler_draws_the_newest_first_and_then_from_all() -> None:
    stock = Stock()
    for number in range(30):
        kind = "ab"[number % 2]
        line = plain(Problem(f"{kind}{number}", "p", "a", source=kind))
        stock.take({"step": 1 + number // 10, **line})
    pool = Pool(None, 16, 1, 4, lambda index: (index * 0.37) % 1, stock=stock)
    picks, _ = NewestFirst()({}, pool)
    assert [pick.problem.source for pick in picks] == ["a"] * 8 + ["b"] * 8  # type: ignore[union-attr]
    for kind in "ab":
        mine = [pick.problem for pick in picks if pick.problem is not None and pick.problem.source == kind]
        newest = {each.key for each in stock.of(kind, since=3)}
        assert {each.key for each in mine[:5]} == newest
    assert NewestFirst()({}, Pool(None, 16, 1, 1, lambda index: 0.0)) == ([], {})


def test_the_alarm_of_a_collapsed_proposer() -> None:
    alarm, alerts = OneSkeleton(share=0.5, steps=2), []
    state = alarm.init()
    for step, share in enumerate([0.9, 0.4, 0.6, 0.7, 0.8]):
        alert, state = alarm(state, Watched(step, {"commonest_skeleton.propose": share}))
        alerts.append(alert)
    assert [alert is not None for alert in alerts] == [False, False, False, True, False]
    assert "70% of the valid proposals are one program" in alerts[3].text  # type: ignore[union-attr]
    assert alarm(state, Watched(9, {}))[0] is None


def test_errors_of_the_controllers_fields() -> None:
    assert SelfPlay(kinds=("find", "paint")).check() == [
        "kinds: small_language has no 'paint'; it has predict, find, write"
    ]
    with pytest.raises(ValueError, match="no problems of kind 'paint'"):
        SMALL.first("paint")


def test_the_embedded_model_seeds_and_plays() -> None:
    config = RunConfig.load(ROOT / "configs" / "azr-embedded.toml").replace(
        method={"method": "azr", "controller": {"proposals": 4, "tries": 2, "seeds": 6}},
        rollouts={"problems": 6},
        training={"steps": 2, "threads": 1},
        evaluation={"problems": 0, "probes": 0},
    )
    assert errors(config) == []
    first, second = list(build(config))
    assert first.metrics["valid.propose"] > 0.4
    assert all(first.metrics[f"stock.{kind}"] >= 6 for kind in SMALL.kinds)
    assert second.metrics["stock"] > first.metrics["stock"]
    assert second.metrics["entropy.propose"] > second.metrics["entropy"]  # as in arXiv:2510.27072
