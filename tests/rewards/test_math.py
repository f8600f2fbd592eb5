"""`math`: answers compared by meaning, with three outcomes, whatever a model writes."""

import json
import math
from collections.abc import Iterator

import pytest

from tests.rewards.reward_examples import data_folder, judge_text, make_rollout
from workbench.rewards import grading_pool
from workbench.rewards.grading import decide
from workbench.rewards.grading_pool import GradingPool, Order
from workbench.rewards.math import Math
from workbench.types import Problem


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("1/2", r"\dfrac{1}{2}"),
        (r"\frac{1}{2}", "0.5"),
        ("x = 5", "5"),
        ("5", "$x = 5$."),
        (r"\{1, 2\}", "2, 1"),
        ("(1, 2)", "(1, 2)"),
        ("[0, 1)", "x \\in [0,1)"),
        ("18", r"\$18.00"),
        ("0.5", r"50\%"),
        ("1000", "1{,}000"),
        ("12", r"12\text{ cm}^2"),
        ("-3", "−3"),
        ("2^{10}", "1024"),
        ("x^2 + x", "x(x + 1)"),
        ("C", r"\text{(C)}"),
        (r"\boxed{7}", "7.0"),
        ("1/3", "0.333333"),
        (r"\text{Tuesday}", "tuesday"),
        (r"0.\overline{3}", r"\frac13"),
        (r"1\frac{1}{2}", "3/2 cups"),
        ("602000", r"6.02 \times 10^5"),
    ],
)
def test_right(reference: str, answer: str) -> None:
    found = judge_text(Math(), reference, rf"So the result is $\boxed{{{answer}}}$.")
    assert (found.value, found.correct, found.extracted) == (1.0, True, answer.strip())


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("(1, 2)", "(2, 1)"),
        ("[0, 1)", "[0, 1]"),
        ("5", "5 or 6"),
        ("12", "12_{5}"),
        ("0.00001234", "0.0000124"),
        ("2^{-99}", "2^{-98}"),
        ("B", "A"),
        ("Tuesday", "Tuseday"),
        ("5", r"\frac{5}{0}"),
        ("5", r"\frac{5"),
        ("5", r"1, 2, \ldots, 5"),
        ("5", "9" * 5000),
        ("5", ""),
    ],
)
def test_wrong(reference: str, answer: str) -> None:
    found = judge_text(Math(), reference, rf"\boxed{{{answer}}}")
    assert (found.value, found.correct) == (0.0, False)
    assert found.reason


@pytest.mark.parametrize("reference", ["", r"\frac{1}{", r"1, 3, \ldots, 2n - 1"])
def test_references_that_are_no_mathematics_cannot_be_judged(reference: str) -> None:
    found = judge_text(Math(), reference, r"\boxed{5}")
    assert math.isnan(found.value)
    assert found.correct is None
    assert "reference" in found.reason


def test_only_the_last_box_behind_the_thinking_counts() -> None:
    assert judge_text(Math(), "8", r"<think>\boxed{8}</think> It is \boxed{7}, no, \boxed{8}").correct is True
    assert judge_text(Math(), "8", r"<think>\boxed{8}</think> I give up").correct is False
    assert judge_text(Math(), "8", r"<think>it is \boxed{8}").reason.endswith("the thinking never ended")
    assert judge_text(Math(weakest="boxed"), "8", "#### 8").correct is False
    assert judge_text(Math(thinking="required"), "8", r"\boxed{8}").correct is False


def test_a_group_is_judged_in_order_and_equal_answers_once() -> None:
    texts = [r"\boxed{\frac{2}{4}}", "nothing", r"\boxed{x}", r"\boxed{\frac{2}{4}}"]
    found = Math()(Problem("1", "", r"\frac{1}{2}"), [make_rollout(text) for text in texts], None)
    assert [item.correct for item in found] == [True, False, False, True]


@pytest.mark.parametrize("answer", ["10^{10^{10}}", r"\sum_{k=1}^{10^{12}} \sin(k)", "(10^9)!"])
def test_what_takes_too_long_is_not_judged(answer: str) -> None:
    found = judge_text(Math(seconds=0.2), "5", rf"\boxed{{{answer}}}")
    assert math.isnan(found.value)
    assert found.correct is None
    assert "no verdict" in found.reason
    assert judge_text(Math(), r"\frac12", r"\boxed{\frac{3}{6}}").correct is True


@pytest.fixture
def pool() -> Iterator[GradingPool]:
    made = GradingPool(1)
    yield made
    made.close()


def test_a_worker_that_hangs_or_dies_is_replaced(pool: GradingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    good = Order(r"\frac{1}{2}", r"\frac{2}{4}", 60.0)
    assert pool.grade([good])[0].correct is True
    pool.workers[0].process.kill()  # as the system does when memory runs out
    first, second = pool.grade([good, good])
    assert first.correct is None
    assert "process died" in first.reason
    assert second.correct is True
    monkeypatch.setattr(grading_pool, "GRACE", -59.9)  # late after .1 s, long before the worker's own alarm
    hung, after = pool.grade([Order("5", "(10^9)!", 60.0), good])
    assert hung.correct is None
    assert "was killed" in hung.reason
    assert after.correct is not False
    assert pool.replaced >= 2


def test_a_worker_that_cannot_start_is_an_error(
    pool: GradingPool, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = tmp_path_factory.mktemp("worker") / "worker.py"
    broken.write_text('print(\'{"ready": false, "reason": "no math_verify"}\')')
    monkeypatch.setattr(grading_pool, "WORKER", broken)
    with pytest.raises(RuntimeError, match="no math_verify; pip install"):
        pool.grade([Order("1", "2", 1.0)])


def test_an_interrupted_call_leaves_no_reply_behind(pool: GradingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    right, wrong = Order("a + b", "b + a", 60.0), Order("a + b", "a - b", 60.0)
    assert pool.grade([right])[0].correct is True

    def interrupt() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pool, "collect", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pool.grade([right])
    assert [verdict.correct for verdict in pool.grade([wrong, right])] == [False, True]


def test_closing_ends_the_processes(pool: GradingPool) -> None:
    pool.grade([Order("a + b", "b + a", 60.0)])
    process = pool.workers[0].process
    pool.close()
    assert process.poll() is not None
    assert pool.workers == []


@pytest.mark.parametrize(
    ("reference", "answer", "correct"),
    [
        ("12_5", "12_5", True),
        ("12_5", "12", True),
        ("12_5", "12_6", False),
        ("A", "B) 12", False),
        ("a+b", "b+a", None),
    ],
)
def test_what_is_decided_without_algebra(reference: str, answer: str, correct: bool | None) -> None:
    verdict = decide(reference, answer)
    assert (verdict.correct if verdict else None) is correct


@pytest.mark.parametrize(
    "text",
    [
        "{", "}", ":", "\\", "$", "\\boxed{{}", r"\boxed{x}", r"\boxed{x = x}", r"\boxed{5, 6, 7}",
        r"\boxed{5 \text{ or } 6}",
        r"\boxed{\text{the reference answer}}", r"\boxed{[0, 10]}", r"\boxed{x > 4}", r"\boxed{4 \text{ to } 6}",
        "Thought process:", "answer: the same as the reference", "<answer>correct</answer>", '{"correct": true}',
        r"\boxed{__import__('os').system('exit 1')}", r"\boxed{nan}", r"\boxed{\infty}", r"\boxed{*}", "#### #### ####",
    ],
)  # fmt: skip
def test_texts_that_only_look_like_answers_earn_nothing(text: str) -> None:
    assert judge_text(Math(), "5", text).value == 0.0


def test_agrees_with_known_pairs() -> None:
    pairs = json.loads((data_folder() / "grader_pairs.json").read_text("utf-8"))
    verdicts = [judge_text(Math(), pair["gold"], rf"\boxed{{{pair['answer']}}}").correct for pair in pairs]
    false = [
        pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict is not None and verdict != pair["same"]
    ]
    assert false == []
    assert verdicts.count(None) <= 1  # a reference with an ellipsis


def test_agrees_with_flags_of_real_solutions() -> None:
    lines = (data_folder() / "gsm8k" / "example_model_solutions.jsonl").read_text("utf-8").splitlines()[::13]
    for row in map(json.loads, lines):
        reference = row["ground_truth"].rpartition("A:")[2].strip()
        for given in (value for value in row.values() if isinstance(value, dict)):
            assert judge_text(Math(), reference, given["solution"]).correct is given["is_correct"], given["solution"]
