"""AZR: the card's rewards and advantages, a step's rounds, seeding, what is refused, on a player without weights."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from tests.methods.self_play import Say, fluent, player
from workbench.environments.small_language import FIRST, SmallLanguage
from workbench.kinds import Pool, Watched
from workbench.method import Method
from workbench.methods.azr import PROPOSE, SEED, TRY, SelfPlay
from workbench.pieces.advantage import TaskRelative
from workbench.pieces.alarms import OneSkeleton
from workbench.pieces.sampler import NewestFirst
from workbench.problems.programs.drawing import split_of
from workbench.registry import find_method
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Batch, Problem, Request
from workbench.types.memory import Stock, plain

SMALL = SmallLanguage()
GOOD = "def f(x): x = x + [4]; x = x[::-1]; return x\nx = [1, 2]"


def small(key: str = "azr", **fields: Any) -> Method:
    """A method with few proposals."""
    method = find_method(key)
    return replace(method, controller=replace(method.controller, **{"proposals": 2, "tries": 2, "seeds": 3, **fields}))


def rows(step: Step, *names: str) -> list[tuple[Any, ...]]:
    assert step.columns is not None
    return list(zip(*(step.columns[name] for name in names), strict=True))


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


# ------------------------------------------------------------------------------------------------ what is refused

BAD = {
    "empty": ("", "does not end with a line"),
    "huge": ("def f(x): return x + " + "1" * 5000 + "\nx = 4", "does not end with a line"),  # cut by the budget
    "unparseable": ("def f(x: return\nx = 4", "does not parse"),
    "slow": ("def f(x): x = [v for v in range(9999999)]; return x\nx = 4", "not in the language"),
    "beyond a bound": ("def f(x): x = x + x; x = x + x; x = x + x; return x\nx = [1, 2, 3, 4]", "longer than 12"),
    "nondeterministic": ("def f(x): return id(x)\nx = 4", "not in the language"),
    "an attack": ("def f(x): return __import__('os').system('id')\nx = 4", "not in the language"),
    "an input that is code": ("def f(x): return x\nx = __import__('os')", "only literals are read"),
    "a copy of a reference": (f"{FIRST[0][0]}\nx = {FIRST[0][1]}", "a copy of a problem"),
    "raises": ("def f(x): return x % 0\nx = 4", "ZeroDivisionError"),
}


def saying(text: str, other: Say = fluent) -> Say:
    """A player whose proposals of programs are all this text, once it has seeded."""

    def say(request: Request) -> list[str]:
        proposes = request.role == PROPOSE and request.problem.source != "write"
        return [text] if proposes else list(other(request))

    return say


@pytest.mark.parametrize("name", BAD)
def test_an_invalid_proposal_costs_and_tells_why(name: str) -> None:
    text, reason = BAD[name]
    (step,) = list(player(saying(text), small(proposals=1)))
    found = [
        (reward, parts[0]["reason"], excluded)
        for role, source, reward, parts, excluded in rows(step, "role", "source", "reward", "parts", "excluded")
        if role == PROPOSE and source != "write"
    ]
    assert len(found) == 2
    for reward, told, excluded in found:
        assert (reward, excluded) == (-1.0, None)
        assert reason in told
    assert step.metrics["valid.propose.predict"] == 0


def test_a_duplicate_is_refused_the_second_time_and_in_later_steps() -> None:
    first, second = list(player(saying(GOOD), small(), steps=2))
    for step, expected in ((first, [0.5, -1.0]), (second, [-1.0, -1.0])):
        found = rows(step, "role", "source", "reward", "parts")
        rewards = [reward for role, source, reward, _ in found if (role, source) == (PROPOSE, "predict")]
        assert rewards == expected
    assert second.metrics["commonest_skeleton.propose"] == 1


def test_a_huge_proposal_is_not_even_parsed() -> None:
    asked = SMALL.ask("predict", SMALL.first("predict")[:2], "key")
    (found,) = SMALL.read([(asked, "[" * 100_000 + "\nx = 4")])
    assert found.problem is None
    assert "100006 characters, at most 1000" in found.reason


def test_another_spelling_is_the_same_problem() -> None:
    asked = SMALL.ask("predict", SMALL.first("predict")[:2], "key")
    one, other = SMALL.read([(asked, GOOD), (asked, GOOD.replace("x + [4]", "x+[ 4 ]").replace("; ", ";"))])
    assert one.problem == other.problem
    assert one.problem is not None


def test_a_held_out_program_is_neither_paid_nor_punished_nor_stocked() -> None:
    texts = [f"def f(x): x = x + [{number}]; x = x[::-1]; return x" for number in range(99)]
    program = next(text for text in texts if split_of(text) == "test")
    (step,) = trainer = list(player(saying(f"{program}\nx = [1]"), small(proposals=1)))
    assert trainer
    for role, source, reward, parts, excluded in rows(step, "role", "source", "reward", "parts", "excluded"):
        if role == PROPOSE and source != "write":
            assert reward != reward
            assert excluded == "unscored"
            assert "test split" in parts[0]["reason"]
    assert "valid.propose.predict" not in step.metrics
    assert step.metrics["scored_share"] == 1  # told to be left out, on purpose
    assert all(split_of(program) == "train" for program, _ in FIRST)


@pytest.mark.parametrize(("answers", "rate"), [(["answer: 99"], 0), (None, 1)])
def test_tries_that_are_all_correct_or_all_incorrect(answers: list[str] | None, rate: float) -> None:
    def say(request: Request) -> list[str]:
        solves = request.role not in (PROPOSE, SEED)
        return (answers or [f"answer: {request.problem.answer}"]) if solves else fluent(request)

    trainer = player(say, small())
    (step,) = list(trainer)
    rewards = {reward for role, reward in rows(step, "role", "reward") if role == PROPOSE}
    assert {reward for reward in rewards if reward == reward} == {-0.5}
    assert step.metrics["useful.propose"] == 0
    assert step.metrics["grad_norm"] == pytest.approx(0, abs=1e-6)  # equal rewards: nothing to compare
    assert {each.data["rate"] for each in trainer.parts.stock if "rate" in each.data} == {rate}


@pytest.mark.parametrize(("keep", "kept"), [("all", True), ("unsolved", False), ("useful", False)])
def test_what_is_stocked_of_always_solved_proposals(keep: str, kept: bool) -> None:
    def say(request: Request) -> list[str]:
        return fluent(request) if request.role in (PROPOSE, SEED) else [f"answer: {request.problem.answer}"]

    trainer = player(say, small(keep=keep))
    list(trainer)
    assert any("rate" in each.data for each in trainer.parts.stock) == kept


# ------------------------------------------------------------------------------------------------ seeding


def test_a_kind_that_cannot_be_seeded_ends_the_run_and_says_why() -> None:
    def say(request: Request) -> list[str]:
        return ["no idea"] if request.problem.source == "find" else fluent(request)

    with pytest.raises(ValueError, match=r"no valid proposal of kind 'find' in 2 rounds of seeding: the proposal does"):
        list(player(say, small(seed_rounds=2)))
    (step,) = list(player(say, small(kinds=("predict", "write"))))
    assert step.metrics["stock.predict"] >= 3


def test_prompts_without_room_end_the_run_and_say_why() -> None:
    trainer = player(fluent, small(), rollouts={"max_tokens": 2040})
    with pytest.raises(ValueError, match="none was made"):
        list(trainer)


def test_a_buffer_that_is_half_seeded_is_used() -> None:
    def say(request: Request) -> list[str]:
        found = fluent(request)
        return ["no idea"] if request.role == SEED and request.number % 5 else found

    trainer = player(say, small(seeds=50, seed_rounds=2, kinds=("predict", "find")))
    (step,) = list(trainer)
    seeds = [reward for role, reward in rows(step, "role", "reward") if role == SEED]
    assert 0 < step.metrics["stock.predict"] < 50
    assert sum(reward == -1 for reward in seeds) > len(seeds) / 2


def test_references_come_from_the_stock() -> None:
    seen: list[str] = []

    def say(request: Request) -> list[str]:
        if request.role == PROPOSE:
            seen.append(request.problem.prompt)
        return fluent(request)

    trainer = player(say, small(), steps=1)
    list(trainer)
    programs = [each.data["program"] for each in trainer.parts.stock]
    assert all(any(program in prompt for program in programs) for prompt in seen)
    assert all(prompt.count("def f(x)") == (1 if "propose write" in prompt else 2) for prompt in seen)


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
