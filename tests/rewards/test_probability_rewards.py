"""RLPR, VeriFree and DARL: the published numbers, the cut before the answer, and what can go wrong."""

import math
from typing import Any

import pytest

from tests.rewards.asking_bench import Characters, Table, logs, rollouts_of, scores
from workbench.rewards.darl import Darl
from workbench.rewards.rlpr import Rlpr, mean_probability, repeats
from workbench.rewards.verifree import Verifree
from workbench.types import Problem, Read, Reply
from workbench.types.reasoning import reasoning

PROBLEM = Problem("p", "Q?", "abc")
AFTER = {"r0": (0.9, 0.8, 0.7), "r1": (0.5, 0.4, 0.6), "r2": (0.2, 0.1, 0.3), "r3": (0.95, 0.9, 0.99)}
ROLLOUTS = rollouts_of(PROBLEM, "r0 answer: x", "r1 answer: x", "r2 answer: answer: x", "r3 answer: x")


def table(question: Any) -> Reply:
    """Probabilities by the reasoning's first characters; without one those of the model before training."""
    assert isinstance(question, Read)
    prompt = Characters().text(question.prompt)
    if question.of == "reference":
        assert prompt == "Q?"
        assert Characters().text(question.answer) == "abc"
        return logs(0.3, 0.2, 0.4)
    assert prompt.endswith("answer:")
    assert Characters().text(question.answer) == " abc"
    return logs(*AFTER[prompt[2:4]])


def test_rlpr_as_published() -> None:
    bench = Table(table)
    found = [score.value for score in scores(Rlpr(), PROBLEM, ROLLOUTS, bench)]
    assert found == pytest.approx([0.55, 0.28, 0.0, 0.682], abs=1e-4)
    assert [question.of for question in bench.asked].count("reference") == 1
    mean = sum(found) / 4
    spread = math.sqrt(sum((value - mean) ** 2 for value in found) / 3)
    assert spread == pytest.approx(0.3025, abs=1e-4)
    assert [(value - mean) / (spread + 1e-6) for value in found] == pytest.approx(
        [0.5686, -0.3240, -1.2497, 1.0050], abs=1e-4
    )


def test_rlpr_without_debias_and_with_the_sign_for_the_layout() -> None:
    plain = scores(Rlpr(debias=False, form=0.0), PROBLEM, ROLLOUTS, Table(table))
    assert [score.value for score in plain] == pytest.approx([0.8, 0.5, 0.2, 0.9467], abs=1e-4)
    signed = scores(Rlpr(form=-1.0), PROBLEM, ROLLOUTS, Table(table))
    assert [score.value for score in signed] == pytest.approx([0.5, 0.2, -1.0, 0.6467], abs=1e-4)
    assert Rlpr(debias=False).asks == {"policy"}
    assert Rlpr().asks == {"policy", "reference"}


def test_one_hard_token_does_not_make_the_mean_nothing() -> None:
    logprobs = [math.log(value) for value in (0.9, 0.9, 0.001)]
    assert mean_probability(logprobs) == pytest.approx(0.6003, abs=1e-4)
    assert math.exp(sum(logprobs)) == pytest.approx(0.0008, abs=1e-4)


def test_what_repeats_itself_loses_one() -> None:
    text = "one two three four five six seven eight nine ten " * 10
    assert repeats(text)
    assert not repeats(" ".join(map(str, range(500))))
    looping = rollouts_of(PROBLEM, f"r0 {text} answer: x")
    assert scores(Rlpr(), PROBLEM, looping, Table(table))[0].value == pytest.approx(0.55 - 1)


def test_without_a_reference_nothing_is_asked() -> None:
    empty, bench = Problem("p", "Q?", " "), Table(table)
    for reward in (Rlpr(), Verifree(), Darl()):
        (score,) = scores(reward, empty, rollouts_of(empty, "r0 answer: x"), bench)
        assert math.isnan(score.value)
        assert "no reference answer" in score.reason
    assert bench.asked == []


def test_verifree_as_published() -> None:
    rollouts = rollouts_of(PROBLEM, *(f"r{place} answer: x" for place in range(4)), "r0 no end", "r0 answer: ")
    found = [score.value for score in scores(Verifree(), PROBLEM, rollouts, Table(table))]
    assert found[:4] == pytest.approx([0.504, 0.12, 0.006, 0.8464], abs=1e-4)
    assert found[4:] == [0.0, 0.0]


def test_darl_as_published() -> None:
    reference = {"a": 0.8, "b": 0.5, "c": 0.2, "d": 0.9467}
    own = {"a": 0.79, "b": 0.2, "c": 0.15, "d": 0.9}

    def reply(question: Any) -> Reply:
        letter = Characters().text(question.prompt)[2]
        return logs((reference if Characters().text(question.answer) == " abc" else own)[letter])

    rollouts = rollouts_of(PROBLEM, *(f"{letter} answer: x" for letter in "abcd"), "a without one")
    found = scores(Darl(), PROBLEM, rollouts, Table(reply))
    assert [score.value for score in found] == pytest.approx([0.8001, 0.5, 0.2, 0.947167, 0.8], abs=1e-6)
    assert ["within" in score.reason for score in found] == [True, False, False, True, False]
    assert "no answer was given" in found[-1].reason


def test_the_cut_keeps_tokens_as_they_were_drawn() -> None:
    class Pairs(Characters):
        """Tokens 1000 + n stand for two characters."""

        PAIRS = ("o:", ": ", "an")

        def text(self, tokens: Any) -> str:
            return "".join(self.PAIRS[token - 1000] if token >= 1000 else chr(token) for token in tokens if token > 2)

    (rollout,) = rollouts_of(PROBLEM, "x")
    whole = [1002, *map(ord, "swer: 5"), 2]
    rollout.tokens = whole
    found = reasoning(rollout, Pairs(), "answer:")
    assert list(found.tokens) == whole[:6]  # 1002 stays one token
    assert (found.answer, found.kept) == ("5", True)
    rollout.tokens = [*map(ord, "answer"), 1001, ord("5"), 2]
    across = reasoning(rollout, Pairs(), "answer:")
    assert list(across.tokens) == [*map(ord, "answer"), ord(":")]  # the token across the end is written again
    rollout.tokens = [*map(ord, "nothing"), 2]
    missing = reasoning(rollout, Pairs(), "answer:")
    assert Pairs().text(missing.tokens) == "nothing\nanswer:"
    assert not missing.kept
