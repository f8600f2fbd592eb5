"""`math`: answers compared by meaning, whatever a model writes."""

import json
import math
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.rewards.reward_examples import data_folder, make_rollout, score_text
from workbench.rewards.grading import compare
from workbench.rewards.grading import pool as grading_pool
from workbench.rewards.grading.algebra import Algebra
from workbench.rewards.grading.compare import grade
from workbench.rewards.grading.pool import GradingPool, Order
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
def test_correct(reference: str, answer: str) -> None:
    found = score_text(Math(), reference, rf"So the result is $\boxed{{{answer}}}$.")
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
def test_incorrect(reference: str, answer: str) -> None:
    found = score_text(Math(), reference, rf"\boxed{{{answer}}}")
    assert (found.value, found.correct) == (0.0, False)
    assert found.reason


@pytest.mark.parametrize("reference", ["", r"\frac{1}{", r"1, 3, \ldots, 2n - 1"])
def test_references_that_are_no_mathematics_are_unscored(reference: str) -> None:
    found = score_text(Math(), reference, r"\boxed{5}")
    assert math.isnan(found.value)
    assert found.correct is None
    assert "reference" in found.reason


def test_only_the_last_box_behind_the_thinking_counts() -> None:
    assert score_text(Math(), "8", r"<think>\boxed{8}</think> It is \boxed{7}, no, \boxed{8}").correct is True
    assert score_text(Math(), "8", r"<think>\boxed{8}</think> I give up").correct is False
    assert "the thinking never ended" in score_text(Math(), "8", r"<think>it is \boxed{8}").reason
    assert score_text(Math(weakest="boxed"), "8", "#### 8").correct is False
    assert score_text(Math(thinking="required"), "8", r"\boxed{8}").correct is False


def test_a_group_is_scored_in_order_and_equal_answers_once() -> None:
    texts = [r"\boxed{\frac{2}{4}}", "nothing", r"\boxed{x}", r"\boxed{\frac{2}{4}}"]
    found = Math()(Problem("1", "", r"\frac{1}{2}"), [make_rollout(text) for text in texts], None)
    assert [item.correct for item in found] == [True, False, False, True]


DEEP = r"\frac{1}{" * 80 + "2" + "}" * 80
EXPENSIVE = ["9^{9^{9}}", "10^{10^{10}}", r"\sum_{k=1}^{10^{12}} \sin(k)", "(10^9)!", DEEP, "(" * 200 + "1" + ")" * 200]


@pytest.mark.parametrize("answer", EXPENSIVE)
@pytest.mark.parametrize("reference", ["5", r"\sqrt{2}", "x^2 + 1", r"\{1, \sqrt{3}\}", "A", "Paris", "5 km"])
def test_what_an_answer_makes_too_expensive_is_incorrect(reference: str, answer: str) -> None:
    """Left unscored it would be left out of updates and accuracies: a refuge that a policy learns to use."""
    found = score_text(Math(seconds=0.3), reference, rf"\boxed{{{answer}}}")
    assert (found.value, found.correct) == (0.0, False), found.reason


def test_a_reference_that_is_too_expensive_is_unscored_unless_the_texts_agree() -> None:
    reward, reference = Math(seconds=0.3), "10^{10^{10}} + 1"
    found = score_text(reward, reference, r"\boxed{9^{9^{9}}}")
    assert math.isnan(found.value)
    assert "the reference is not compared within 0.3 s of processor time" in found.reason
    assert score_text(reward, reference, rf"\boxed{{{reference}}}").correct is True
    assert score_text(Math(), r"\sqrt{12}", r"\boxed{2\sqrt{3}}").correct is True  # the processes are usable again


@pytest.fixture
def pool() -> Iterator[GradingPool]:
    made = GradingPool(1)
    yield made
    made.close()


GOOD = Order(r"\sqrt{12}", r"2\sqrt{3}", 60.0)


def test_a_comparison_whose_process_dies_of_something_else_is_tried_again(pool: GradingPool) -> None:
    assert pool.grade([GOOD])[0].correct is True
    pool.workers[0].process.kill()  # as the system does when memory runs out
    assert [grade.correct for grade in pool.grade([GOOD, GOOD])] == [True, True]
    assert pool.replaced == 1


def test_a_process_that_dies_twice_leaves_the_pair_unscored(pool: GradingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    send = grading_pool.Worker.send

    def shoot(worker: grading_pool.Worker, job: int, order: Order) -> None:
        worker.process.kill()
        worker.process.wait()
        send(worker, job, order)

    with monkeypatch.context() as patch:
        patch.setattr(grading_pool.Worker, "send", shoot)
        (lost,) = pool.grade([GOOD])
    assert lost.correct is None
    assert "process died" in lost.rule
    assert pool.grade([GOOD])[0].correct is True


def test_processor_time_decides_and_wall_time_does_not(pool: GradingPool) -> None:
    """A process that gets no processor for longer than its limit answers as on a quiet machine."""
    order = Order(GOOD.reference, GOOD.answer, 1.0)
    assert pool.grade([order])[0].correct is True
    process = pool.workers[0].process
    process.send_signal(signal.SIGSTOP)
    timer = threading.Timer(2.5, process.send_signal, (signal.SIGCONT,))
    timer.start()
    started = time.monotonic()
    assert pool.grade([order])[0].correct is True
    assert time.monotonic() - started > 2
    assert pool.replaced == 0


def test_a_process_that_only_waits_ends_at_the_backstop(pool: GradingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pool.grade([GOOD])[0].correct is True
    monkeypatch.setattr(grading_pool, "BACKSTOP", 0.2)
    pool.workers[0].process.send_signal(signal.SIGSTOP)
    assert pool.grade([GOOD])[0].correct is True  # by the process that took its place
    assert pool.replaced == 1


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
    assert [grade.correct for grade in pool.grade([wrong, right])] == [False, True]


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
    algebra = Algebra()
    found = grade(reference, answer, algebra)
    assert (None if algebra.asked else found.correct) is correct


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
    assert score_text(Math(), "5", text).value == 0.0


def test_agrees_with_known_pairs() -> None:
    pairs = json.loads((data_folder() / "grader_pairs.json").read_text("utf-8"))
    grades = [score_text(Math(), pair["gold"], rf"\boxed{{{pair['answer']}}}").correct for pair in pairs]
    false = [pair for pair, same in zip(pairs, grades, strict=True) if same is not None and same != pair["same"]]
    assert false == []
    assert grades.count(None) <= 1  # a reference with an ellipsis


def test_agrees_with_flags_of_real_solutions() -> None:
    lines = (data_folder() / "gsm8k" / "example_model_solutions.jsonl").read_text("utf-8").splitlines()[::13]
    for row in map(json.loads, lines):
        reference = row["ground_truth"].rpartition("A:")[2].strip()
        for given in (value for value in row.values() if isinstance(value, dict)):
            assert score_text(Math(), reference, given["solution"]).correct is given["is_correct"], given["solution"]


@pytest.mark.parametrize(
    "answer", ["1e9999", "10^{9999}", "1e999999999999", "9" * 900 + "e900", "0." + "1" * 900, "1/" + "9" * 900]
)
@pytest.mark.parametrize("reference", ["5", r"\sqrt{2}", "x", "[0, 1]", "5 km"])
def test_huge_numbers_are_incorrect_and_cost_nothing(reference: str, answer: str) -> None:
    assert score_text(Math(seconds=1.0), reference, rf"\boxed{{{answer}}}").value == 0.0


def test_an_answer_that_makes_the_reader_fail_is_incorrect(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the reader must not pay: unscored it would be a refuge."""

    def fail(text: str) -> None:
        raise OverflowError(text)

    monkeypatch.setattr(compare, "readings", fail)
    found = score_text(Math(), "5", r"\boxed{6}")
    assert (found.value, found.correct) == (0.0, False)
    assert "cannot be read (OverflowError)" in found.reason
