"""CoVo: the published paths, and the whole reward on a table of distances."""

import math
import time
from typing import Any

import pytest

from tests.rewards.asking_bench import Characters, Table, rollouts_of, scores
from workbench.rewards.covo import Covo, stability
from workbench.types import Problem, Reply

PROBLEM = Problem("p", "Q?", "")
DISTANCES = {
    "r0": [[0.9, 0.6], [0.4, 0.7], [0.3, 0.8], [0.2, 0.9]],
    "r1": [[0.5, 0.6], [0.4, 0.7], [0.3, 0.8], [0.2, 0.9]],
    "r2": [[0.6, 0.5], [0.5, 0.6], [0.3, 0.7], [0.6, 0.2]],
    "r3": [[0.6, 0.5], [0.6, 0.4], [0.7, 0.3], [0.8, 0.2]],
}
OWN = {"r0": "x", "r1": "x", "r2": "y", "r3": "y"}


def table(question: Any) -> Reply:
    """The published distance of an answer after a prefix."""
    prompt = Characters().text(question.prompt)
    assert prompt.endswith("\nanswer:")
    row = prompt.count("\n") - 1
    column = "xy".index(Characters().text(question.answer).strip())
    return Reply(signals={"logprob": (-DISTANCES[prompt[2:4]][row][column],) * 2})


def values(reward: Covo, *texts: str) -> list[float]:
    """The scores of texts."""
    return [score.value for score in scores(reward, PROBLEM, rollouts_of(PROBLEM, *texts), Table(table))]


PATHS = [f"{name} a\nb\nc\nd\nanswer: {OWN[name]}" for name in OWN]


def test_consistency_and_volatility_as_published() -> None:
    found = {name: stability(distances, "xy".index(OWN[name])) for name, distances in DISTANCES.items()}
    assert found == {"r0": (0.75, 0.25), "r1": (1.0, 0.0), "r2": (0.5, 0.75), "r3": (1.0, 0.0)}


def test_both_forms_as_published() -> None:
    assert values(Covo(binary=False), *PATHS) == pytest.approx([0.8683, 0.8683, 0.7039, 0.7039], abs=1e-4)
    assert values(Covo(binary=False, form="linear"), *PATHS) == pytest.approx([0.75, 0.75, 0.375, 0.375])
    assert values(Covo(), *PATHS) == [1.0] * 4


def test_one_answer_alone_or_none_earns_nothing() -> None:
    assert values(Covo(), PATHS[0], PATHS[1]) == [0.0, 0.0]
    assert values(Covo(), "no end", "none") == [0.0, 0.0]
    assert values(Covo(binary=False), *PATHS, "no end")[-1] == 0.0


def test_lines_are_merged_to_the_most_prefixes() -> None:
    bench = Table(lambda question: Reply(signals={"logprob": (-1.0,)}))
    lines = "\n".join(str(number) for number in range(100))
    rollouts = rollouts_of(PROBLEM, f"{lines}\nanswer: x", "one\nanswer: y")
    scores(Covo(prefixes=15), PROBLEM, rollouts, bench)
    assert len(bench.asked) <= 2 * (15 + 1)
    whole = max((Characters().text(question.prompt) for question in bench.asked), key=len)
    assert whole.endswith("99\nanswer:")
    assert not math.isnan(sum(values(Covo(answers=2), *PATHS)))


def test_a_text_of_line_breaks_alone_costs_little() -> None:
    bench = Table(lambda question: Reply(signals={"logprob": (-1.0,)}))
    rollouts = rollouts_of(PROBLEM, "\n" * 20_000 + "answer: x", "one\nanswer: y")
    start = time.process_time()
    scores(Covo(), PROBLEM, rollouts, bench)
    assert time.process_time() - start < 2
    assert len(bench.asked) <= 2 * 16
