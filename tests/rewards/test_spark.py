"""SPARK: the published rewards and advantages, votes, the critique, and verifications that are none."""

import math
from typing import Any

import pytest
import torch

from tests.rewards.asking_bench import Characters, Table, rollouts_of, scores
from workbench.method import advantages
from workbench.registry import find_method
from workbench.rewards.spark import Spark, ends_with_answer, grades_of, per_token, steps_of
from workbench.types import Batch, Problem, Reply

PROBLEM = Problem("p", "Q?", "")
TEXTS = [f"r{place} a\n\nb\n\nanswer: 1" for place in range(4)]
TEXTS[2] += "\nanswer: 2"
STEPS = {"r0": (1, 1, 1), "r1": (1, 1, 0), "r2": (1, 0, 0), "r3": (1, 1, 0)}
FINAL = {"r0": 1, "r1": 0, "r2": 0, "r3": 1}
WORD = ("incorrect", "correct")


def verification(name: str) -> str:
    """What the grader says of a rollout."""
    lines = [f"Step {number}: {WORD[grade]}" for number, grade in enumerate(STEPS[name], start=1)]
    return "\n".join(["Let me see.", *lines, f"Final: {WORD[FINAL[name]]}."])


def grader(question: Any) -> Reply:
    """The published grades."""
    assert "Step 3:\n| answer: 1" in question.prompt
    return Reply(said=verification(TEXTS[question.about[1]][:2]))


def values(reward: Spark, answer: Any = grader) -> list[float]:
    """The scores of the four rollouts."""
    return [score.value for score in scores(reward, PROBLEM, rollouts_of(PROBLEM, *TEXTS), Table(answer))]


def test_rewards_as_published() -> None:
    assert values(Spark()) == [1.0, 0.0, 0.0, 1.0]
    assert values(Spark(form="augmented")) == pytest.approx([1.0, 0.2667, 0.0, 0.8667], abs=1e-4)
    assert values(Spark(form="share")) == pytest.approx([1.0, 2 / 3, 0.0, 2 / 3])


def batch(rollouts: Any) -> Batch:
    """The batch of the rollouts, with a token for each step."""
    mask = torch.ones(4, 3, dtype=torch.bool)
    unread = torch.zeros(4, 3)
    facts = {
        "step_correct": torch.tensor([STEPS[text[:2]] for text in TEXTS]).float(),
        "step_share": torch.tensor([rollout.extras["step_share"] for rollout in rollouts]),
    }
    reward = torch.tensor([1.0, 0.0, 0.0, 1.0])
    return Batch(unread, unread, mask, reward, torch.zeros(4).long(), extras=facts)


def test_advantages_as_published() -> None:
    rollouts = rollouts_of(PROBLEM, *TEXTS)
    scores(Spark(), PROBLEM, rollouts, Table(grader))
    selective = advantages(find_method("spark"), batch(rollouts))
    one = 0.8660
    assert selective.flatten().tolist() == pytest.approx(
        [one, one, one, 0, 0, -one, 0, -one, -one, one, one, 0], abs=1e-4
    )
    mixed = advantages(find_method("spark_mixed"), batch(rollouts))[:, 0]
    assert mixed.tolist() == pytest.approx([0.8915, -0.6531, -0.9710, 0.7326], abs=1e-4)


def test_grades_stand_on_the_tokens_of_their_steps() -> None:
    (rollout,) = rollouts_of(PROBLEM, "ab\n\ncd\n\nanswer: 1")
    found = per_token(rollout, [True, False, True], Characters())
    assert found == [1.0] * 4 + [0.0] * 4 + [1.0] * 10
    assert len(found) == len(rollout.tokens)


def test_votes_are_drawn_apart_and_counted() -> None:
    def divided(question: Any) -> Reply:
        assert question.temperature == 1.0
        grade = WORD[question.draw < 2]
        return Reply(said=f"Step 1: {grade}\nFinal: {grade}")

    def one(votes: int) -> float:
        rollouts = rollouts_of(PROBLEM, "so answer: 1")
        return scores(Spark(votes=votes), PROBLEM, rollouts, Table(divided))[0].value

    assert [one(votes) for votes in (3, 4)] == [1.0, 0.0]  # two of three; two of four are no majority


def test_a_critique_may_change_the_grades() -> None:
    def grader_of(question: Any) -> Reply:
        if "Write the corrected verification" in question.prompt:
            assert "| it is right" in question.prompt
            return Reply(said="Step 1: correct\nFinal: correct")
        said = "it is right" if "A verification:" in question.prompt else "Step 1: incorrect\nFinal: incorrect"
        return Reply(said=said)

    rollouts, bench = rollouts_of(PROBLEM, "so answer: 1"), Table(grader_of)
    assert scores(Spark(critique=True), PROBLEM, rollouts, bench)[0].value == 1.0
    assert len(bench.asked) == 3


NONE = [
    "Step 1: correct",
    "Final: correct",
    "Step 1: correct\nStep 1: incorrect\nFinal: correct",
    "Step 1: correct\nStep 2: correct\nFinal: correct",
    "Step 0: correct\nStep 1: correct\nFinal: correct",
    "All steps are correct, score 10.",
    "",
]


@pytest.mark.parametrize("said", NONE)
def test_a_verification_in_another_layout_is_none(said: str) -> None:
    assert grades_of(said, 1) is None
    with pytest.raises(ValueError, match="judge: no verification grades every step"):
        scores(Spark(), PROBLEM, rollouts_of(PROBLEM, "so answer: 1"), Table(lambda question: Reply(said=said)))


def test_what_has_no_steps_or_appends_an_answer_earns_nothing() -> None:
    assert scores(Spark(), PROBLEM, rollouts_of(PROBLEM, " \n "), Table(grader))[0].value == 0.0
    assert not ends_with_answer("answer: 1\nNow an easier one.", "answer:")
    assert not ends_with_answer("answer: 1\nanswer: 2", "answer:")
    assert ends_with_answer("so\nanswer: 1\n", "answer:")
    assert steps_of("a\nb\n\nc") == ["a\nb", "c"]
    assert not math.isnan(sum(values(Spark())))
