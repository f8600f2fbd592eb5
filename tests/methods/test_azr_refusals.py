"""AZR: what a proposal may not be, and what that costs; buffers that cannot be seeded."""

import pytest

from tests.methods.self_play import Say, fluent, player, rows, small
from workbench.environments.small_language import FIRST, SmallLanguage
from workbench.methods.azr import PROPOSE, SEED
from workbench.problems.programs.drawing import split_of
from workbench.types import Request

SMALL = SmallLanguage()
GOOD = "def f(x): x = x + [4]; x = x[::-1]; return x\nx = [1, 2]"


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
