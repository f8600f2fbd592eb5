"""Tasks made of tasks and of templates: mixtures, chains, choices, variants."""

import json
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.families import family_score
from workbench.config import RunConfig
from workbench.problems.expressions import compute
from workbench.tasks.chained import KEY, Chained
from workbench.tasks.choices import Choices
from workbench.tasks.jsonl import Jsonl
from workbench.tasks.mixture import Mixture, counts
from workbench.tasks.np_hard import NpHard
from workbench.tasks.sums import Sums
from workbench.tasks.variants import Variants
from workbench.tasks.word_problems import WordProblems


def written(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


# ------------------------------------------------------------------------------------------------- mixtures


def test_sources_come_as_often_as_their_weights_say() -> None:
    task = Mixture({"easy": Sums(level=1), "stories": WordProblems(), "hard": Sums(level=3)}, {"easy": 3, "hard": 0.5})
    found = Counter(task.problem(number, "train").source for number in range(1000))
    assert found == {"easy": 667, "stories": 222, "hard": 111}


def test_every_source_gives_its_problems_in_order_and_each_once() -> None:
    task = Mixture({"one": Sums(level=1), "two": Sums(level=2)}, {"two": 2})
    keys = [task.problem(number, "test").key for number in range(3000)]
    assert [key for key in keys if key.startswith("one/")] == [f"one/sums-1-test-{number}" for number in range(999)]
    assert len(set(keys)) == 3000


def test_a_mixture_ends_where_its_first_source_ends(tmp_path: Path) -> None:
    rows = [{"prompt": f"{number}?", "answer": str(number)} for number in range(50)]
    task = Mixture({"file": Jsonl(written(tmp_path / "x", *rows)), "sums": Sums()})
    size = task.size("train")
    assert size is not None
    sources = [task.problem(number, "train").source for number in range(size)]
    assert sources.count("file") == 45
    with pytest.raises(ValueError, match=f"it has {size}, numbered from 0"):
        task.problem(size, "train")
    assert task.place(sources.index("file"), "train").startswith("file: ")


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=12))
def test_counts_add_up_and_are_within_one_of_the_share(shares: list[float]) -> None:
    found = counts(tuple(shares))
    assert sum(found) == 1000
    assert all(abs(count - 1000 * share / sum(shares)) < 1 for count, share in zip(found, shares, strict=True))


def test_errors_of_a_mixture_name_the_source(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'hrd' is none of the sources \(hard\)"):
        Mixture({"hard": Sums()}, {"hrd": 1})
    with pytest.raises(ValueError, match="'b' has less than a thousandth of all"):
        Mixture({"a": Sums(), "b": Sums(level=1)}, {"a": 1000, "b": 0.001})
    (error,) = Mixture({"file": Jsonl(str(tmp_path / "missing"))}).check()
    assert error.startswith("mixture.tasks.file: jsonl.path = ")


def test_a_mixture_and_its_rewards_survive_a_config_file() -> None:
    sources = {"easy": {"task": "sums", "level": 1}, "tours": {"task": "np_hard", "family": "travelling_salesman"}}
    rewards = {"easy": "exact", "tours": {"reward": "np_hard"}}
    config = RunConfig(
        task={"task": "mixture", "tasks": sources}, rewards=[{"reward": "by_source", "rewards": rewards}], method="grpo"
    )
    assert RunConfig.from_toml(config.to_toml()) == config
    assert config.errors() == []


# --------------------------------------------------------------------------------------------------- chains


def test_every_link_but_the_first_needs_the_answer_before_it() -> None:
    task = Chained(WordProblems(level=1), 3)
    for number in range(30):
        problem = task.problem(number, "train")
        answers = [int(each) for each in problem.data["answers"]]
        for place in (2, 3):
            text = problem.prompt.split(f"Problem {place}: ")[1].split("\n")[0]
            sign, difference = text.split(f"Here [variable{place}] = [answer{place - 1}] ")[1].rstrip(".").split(" ")
            value = answers[place - 2] + int(sign + difference)
            own = WordProblems(level=1).problem(3 * number + place - 1, "train")
            assert text.split(" Here [variable")[0].replace(f"[variable{place}]", str(value)) == own.prompt.strip()
        assert "[variable1]" not in problem.prompt


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He buys 3 of 12 bags.", ["3", "12"]),
        ("1,000 or 2.5 or 1/2 or 50% or x2 or 3rd or -4", []),
        ("It costs $5, or 7.", ["5", "7"]),
        (r"\frac{1}{2} of 8", ["8"]),
    ],
)
def test_only_whole_numbers_that_stand_alone_are_taken(text: str, found: list[str]) -> None:
    assert [match[0] for match in KEY.finditer(text)] == found


def test_of_a_file_only_problems_of_whole_numbers_are_chained(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n} and {n}?", "answer": str(2 * n) if n % 2 else f"{n}.5"} for n in range(40)]
    task = Chained(Jsonl(written(tmp_path / "x", *rows), test_share=0.5, shuffle=None))
    assert (task.size("train"), task.size("test")) == (5, 5)
    assert task.problem(0, "train").data["answers"] == ["2", "6"]
    (error,) = Chained(Jsonl(written(tmp_path / "y", {"prompt": "a?", "answer": "b"}), test_share=0)).check()
    assert "fewer problems with a whole answer" in error


# ------------------------------------------------------------------------------------- choices and variants


def test_each_pair_is_asked_in_both_orders_so_that_a_constant_letter_earns_half(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}?", "chosen": f"good {n}", "rejected": f"bad {n}"} for n in range(30)]
    task = Choices(written(tmp_path / "x", *rows))
    problems = [task.problem(number, "train") for number in range(task.size("train"))]
    assert Counter(problem.answer for problem in problems) == {"A": 27, "B": 27}
    for one, other in zip(problems[::2], problems[1::2], strict=True):
        assert one.data["family"] == other.data["family"]
        assert {one.answer, other.answer} == {"A", "B"}
    for problem in problems:
        place = problem.prompt.index(f"\n{problem.answer}:\ngood")
        assert place > 0
    assert len({problem.answer for problem in problems[::2]}) == 2


def test_conversations_of_preference_data_are_read(tmp_path: Path) -> None:
    row = {
        "prompt": [{"role": "user", "content": "2 + 2?"}],
        "chosen": [{"role": "assistant", "content": "4"}],
        "rejected": [{"role": "assistant", "content": "5"}],
    }
    task = Choices(written(tmp_path / "x", row, {**row, "rejected": "6"}))
    assert task.check() == []
    assert "A:\n4" in task.problem(0, "train").prompt + task.problem(1, "train").prompt


def test_rows_that_are_no_pairs_are_refused_with_their_line(tmp_path: Path) -> None:
    row = {"prompt": "?", "chosen": "a", "rejected": "b"}
    path = written(tmp_path / "x", row, {**row, "rejected": "a"}, {"prompt": "?", "chosen": "a"})
    same, missing = Choices(path).check()
    assert "line 2: both answers are the same" in same
    assert "line 3: rejected is missing" in missing


TEMPLATE = {
    "template": r"A box holds {a} apples and {b} pears, \frac{1}{2} of them ripe. How many are ripe?",
    "variables": {"a": {"low": 2, "high": 40, "step": 2}, "b": "a * 2", "c": [3, 5]},
    "answer": "(a + b) / 2",
}


def test_variants_of_a_template_differ_and_their_answers_follow(tmp_path: Path) -> None:
    task = Variants(written(tmp_path / "x", TEMPLATE, {**TEMPLATE, "answer": "a"}))
    assert task.check() == []
    problems = [task.problem(number, "train") for number in range(task.size("train"))]
    assert len({problem.prompt for problem in problems}) == 5
    assert {problem.data["family"] for problem in problems} == {problems[0].data["family"]}
    for problem in problems:
        a, b = (int(problem.data["values"][name]) for name in "ab")
        assert b == 2 * a
        assert f"holds {a} apples and {b} pears, \\frac{{1}}{{2}}" in problem.prompt
        assert Fraction(problem.answer) in (Fraction(a + b, 2), a)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"answer": "d + 1"}, "'d' is no number, known name"),
        ({"answer": "__import__('os').system('true')"}, "is no number, known name, operation or function"),
        ({"answer": "9 ** 9 ** 9"}, "cannot be computed"),
        ({"answer": "1 / (a - a)"}, "cannot be computed"),
        ({"answer": 5}, "answer = 5 is not a text"),
        ({"variables": {"a": []}}, "variable 'a' = [] is no list"),
        ({"variables": {"a": {"low": 5, "high": 1}}}, "no number from low to high"),
        ({"template": "no names"}, "names none of its variables"),
    ],
)
def test_a_template_that_does_not_work_is_refused_when_the_task_loads(
    change: dict[str, Any], fault: str, tmp_path: Path
) -> None:
    errors = Variants(written(tmp_path / "x", TEMPLATE, {**TEMPLATE, **change})).check()
    assert len(errors) == 1
    assert "line 2: " in errors[0]
    assert fault in errors[0]
    with pytest.raises(ValueError, match="line 2"):
        Variants(str(tmp_path / "x")).problem(0, "train")


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 50))
def test_expressions_are_exact(a: int, b: int, c: int) -> None:
    found = compute("(a - b) * 3 / c + a // c - b % c + abs(b) ** 2 + gcd(a, c)", {"a": a, "b": b, "c": c})
    assert found == Fraction((a - b) * 3, c) + a // c - b % c + b * b + math.gcd(a, c)
    assert compute("0.1 + 0.2", {}) == Fraction(3, 10)


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "a.b",
        "(lambda: 1)()",
        "[1]",
        "'a'",
        "True",
        "2 ** 10000",
        "factorial(10 ** 9)",
        "(" * 500,
        "1 if 1 else 2",
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be computed"):
        compute(text, {"a": 1})


def test_strict_and_loose_scores_of_families() -> None:
    """VAR-MATH's kinds of score on four problems of five variants: first alone 0.75, mean 0.5, strict 0.25."""
    rows = ["11111", "11000", "10110", "00000"]
    score = family_score([[[sign == "1"] for sign in row] for row in rows])
    assert (score.first.value, score.loose.value, score.strict.value) == (0.75, 0.5, 0.25)
    assert score.spread == 0


def test_strict_scores_fall_with_errors_per_try() -> None:
    noisy = [[[True] * 9 + [False]] * 5 for _ in range(50)]
    score = family_score(noisy)
    assert score.loose.value == pytest.approx(0.9)
    assert score.strict.value == pytest.approx(0.9**5, abs=0.02)
    with pytest.raises(ValueError, match="every variant once or more"):
        family_score([[[]]])


def test_a_chain_of_problems_without_whole_numbers_says_so() -> None:
    with pytest.raises(ValueError, match="has no whole answer"):
        Chained(NpHard("clique", "tiny")).problem(0, "train")
