"""The task reasoning_gym: the same problems everywhere, its difficulty, and what it refuses."""

import os

import pytest

from workbench.config import RunConfig
from workbench.problems.gym import items
from workbench.problems.gym.sets import REFUSED
from workbench.tasks import reasoning_gym as task_module
from workbench.tasks.reasoning_gym import ANY, ReasoningGym

pytest.importorskip("reasoning_gym", reason="pip install 'rlvr-workbench[tasks]'")
OF_SETS = (
    "polynomial_multiplication",
    "isomorphic_strings",
    "ransom_note",
    "word_ladder",
    "list_functions",
)  # walk over sets of strings


def prompts(name: str) -> list[str]:
    task = ReasoningGym(name)
    return [task.problem(number, "train").prompt for number in (0, 3, 700)]


@pytest.mark.parametrize("name", OF_SETS)
def test_problems_are_the_same_in_another_process(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompts(name)
    items.stop(os.getpid())
    items.draw.cache_clear()
    monkeypatch.setenv("PYTHONHASHSEED", "7")  # as another user may have it set
    assert prompts(name) == before
    items.stop(os.getpid())


def test_difficulty_is_the_data_sets_own() -> None:
    short, long = ({"min_terms": count, "max_terms": count} for count in (2, 9))
    for number in range(5):
        few = ReasoningGym("chain_sum", settings=short).problem(number, "train").prompt
        many = ReasoningGym("chain_sum", settings=long).problem(number, "train").prompt
        assert (few.count("+") + few.count(" - "), many.count("+") + many.count(" - ")) == (1, 8)


def test_a_level_of_the_curriculum_makes_problems_harder() -> None:
    easy, hard = ReasoningGym("chain_sum", level=0), ReasoningGym("chain_sum", level=10)
    lengths = [[len(task.problem(number, "train").prompt) for number in range(20)] for task in (easy, hard)]
    assert max(lengths[0]) < sum(lengths[1]) / 20
    assert ReasoningGym("chain_sum", level=99).check() == []  # the last level there is


def test_a_data_set_without_reference_says_so() -> None:
    assert ReasoningGym("graph_color").problem(0, "train").answer == ANY


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_data_sets_are_refused_with_the_reason(name: str) -> None:
    (error,) = ReasoningGym(name).check()
    assert error == f"reasoning_gym.dataset = {name!r} is refused: {REFUSED[name]}"


def test_errors_name_value_and_remedy_before_the_start() -> None:
    assert "did you mean 'chain_sum'?" in ReasoningGym("chainsum").check()[0]
    (unknown,) = ReasoningGym("chain_sum", settings={"terms": 3}).check()
    assert "chain_sum has no field 'terms'" in unknown
    assert "min_terms" in unknown
    (refused,) = ReasoningGym("chain_sum", settings={"min_terms": 0}).check()
    assert "chain_sum refuses them (min_terms must be positive)" in refused
    assert "acre has no curriculum" in ReasoningGym("acre", level=1).check()[0]
    with pytest.raises(ValueError, match="has no place for the question"):
        ReasoningGym("chain_sum", template="Solve it.")
    config = RunConfig(task={"task": "reasoning_gym", "dataset": "codeio"}, rewards=["exact"], method="grpo")
    assert config.errors()[0].startswith("task: reasoning_gym.dataset = 'codeio' is refused")


def test_data_sets_whose_verifiers_evaluate_need_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_module, "why_not", lambda: "bubblewrap is not installed")
    (error,) = ReasoningGym("countdown").check()
    assert error.endswith("its verifier runs in the sandbox alone: bubblewrap is not installed")
    assert ReasoningGym("chain_sum").check() == []


def test_too_few_questions_for_two_splits_are_refused() -> None:
    (error,) = ReasoningGym("count_bits", settings={"min_n": 5, "max_n": 5}).check()
    assert "count_bits has too few different questions for two splits" in error


def test_a_process_that_died_is_an_error_and_the_next_problem_gets_a_new_one() -> None:
    task = ReasoningGym("chain_sum", seed=12345)
    task.problem(0, "train")
    items.started().kill()
    with pytest.raises(RuntimeError, match="the process that makes problems of reasoning-gym ended"):
        task.problem(1, "train")
    assert task.problem(1, "train").prompt
