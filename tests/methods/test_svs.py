"""SvS: three rounds, the card's rewards and advantages, what is trained, what is kept, on a scripted engine."""

from collections.abc import Sequence

import pytest
import torch

from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.methods.svs import REWRITE, VARIANT, Informative, Vary
from workbench.pieces.advantage import GroupZ
from workbench.registry import find_method
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_groups
from workbench.tasks.sums import Sums
from workbench.types import Batch, Group

SVS = find_method("svs")


def test_problems_solved_once_to_half_of_the_time_are_rewritten_for_every_correct_rollout() -> None:
    groups = [scored(right, [1.0] * right + [0.0] * (8 - right)) for right in range(9)]
    orders = Vary()({}, make_round(0, groups))
    assert [request.parent for request in orders.requests] == [(n, i) for n in (1, 2, 3, 4) for i in range(n)]
    first = orders.requests[0]
    assert (first.n, first.role, first.late, first.train) == (8, REWRITE, True, True)
    assert first.problem.answer == "4"


def test_the_cards_rewards_and_advantages() -> None:
    rates = [right / 8 for right in (0, 1, 3, 5, 6, 8, 8, 2)]
    values = [Vary().worth(rate).value for rate in rates]
    assert values == [0, 1, 1, 1, 0, 0, 0, 1]
    zeros = torch.zeros(8, 1)
    batch = Batch(zeros, zeros, zeros == 0, torch.tensor(values), torch.zeros(8, dtype=torch.long))
    expected = [0.9354 if value else -0.9354 for value in values]
    assert GroupZ()(batch)[:, 0].tolist() == pytest.approx(expected, abs=1e-4)


def test_what_has_no_marks_or_is_too_long_is_worth_nothing() -> None:
    assert Vary().worth(None).value == 0.0
    group = scored(0, [0.0] * 3, ["<problem>3 + 4 =</problem>", "<problem>3 + 4 =", f"<problem>{'x' * 99}</problem>"])
    assert [Vary(longest=20).problem_of(each) for each in group.rollouts] == ["3 + 4 =", "", ""]
    copies = scored(0, [0.0] * 2, ["<problem> QUESTION  0 </problem>", "<problem></problem>"])
    assert [Vary().problem_of(each) for each in copies.rollouts] == ["", ""]


def run() -> tuple[object, Sequence[str]]:
    """A step of three problems: one half-solved, one always, one never; and the keys of the stock."""
    policy, task = tiny_policy(), Sums(level=1)
    half, always, never = (task.problem(number, "train") for number in range(3))
    right = {each.key: f"answer: {each.answer}" for each in (half, always, never)}
    fresh = "<problem>what is it now?</problem>"
    answers = {
        half.key: [right[half.key], "answer: x", right[half.key], "answer: x"],
        always.key: [right[always.key]],
        never.key: ["answer: x"],
        "rewrite-1-0-0": [fresh, "nothing", fresh, fresh],
        "rewrite-1-0-2": ["nothing"],
        "rewrite-1-0-0-0": [right[half.key], "answer: x"],
        "rewrite-1-0-0-2": [right[half.key]],
        "rewrite-1-0-0-3": ["answer: x"],
    }
    engine = ScriptedEngine(policy.encoder, answers)

    def score(groups: Sequence[Group]) -> list[str]:
        return score_groups([("exact", Exact(), 1.0)], (), groups, None, 60)

    settings = make_settings(
        rollouts={"problems": 3, "rollouts": 4, "max_tokens": 60}, training={"steps": 1, "mismatch_limit": 0.0}
    )
    trainer = make_trainer(
        SVS,
        settings,
        policy,
        engine=engine,
        score=score,
        controller=Vary(rewritings=4, solutions=4, wording="{question} again"),
    )
    (step,) = list(trainer)
    return step, trainer.parts.stock.keys


def test_three_rounds_of_a_step() -> None:
    step, stock = run()
    columns = step.columns  # type: ignore[attr-defined]
    rows = list(zip(*(columns[name] for name in ("role", "round", "reward", "excluded", "problem")), strict=True))
    assert [role for role, *_ in rows].count(REWRITE) == 8
    assert {number for role, number, *_ in rows if role == VARIANT} == {2}
    rewards = [reward for role, _, reward, *_ in rows if role == REWRITE]
    assert rewards == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    trained = {problem for *_, excluded, problem in rows if excluded is None}
    assert len(trained) == 3  # the half-solved one, its good rewriting's group, and the solutions of that
    assert {"rewrite-1-0-0", "rewrite-1-0-0-0"} < trained
    assert stock == ["rewrite-1-0-0-0"]
    parents = [columns["parent"][n] for n, row in enumerate(rows) if row[0] == VARIANT]
    assert {columns["problem"][parent] for parent in parents} == {"rewrite-1-0-0"}
    metrics = step.metrics  # type: ignore[attr-defined]
    assert metrics["correct"] == pytest.approx(0.5)
    assert metrics["correct.variant"] == pytest.approx(0.5)
    assert metrics["reward.rewrite"] == pytest.approx(1 / 8)


def test_filters_by_role() -> None:
    groups = [scored(0, [1.0, 0.0]), scored(1, [1.0, 1.0]), scored(2, [0.0, 0.0])]
    assert Informative()({}, groups) == ["keep", "drop", "drop"]
