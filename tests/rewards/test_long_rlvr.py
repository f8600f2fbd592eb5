"""LongRLVR: the published rewards, and layouts that are none."""

import math

import pytest

from tests.rewards.asking_bench import rollouts_of, scores
from workbench.rewards.exact import Exact
from workbench.rewards.format import Format
from workbench.rewards.long_rlvr import LongRlvr, cited
from workbench.types import Problem

PROBLEM = Problem("p", "Q?", "7", {"chunks": [2, 5, 7]})


def value(*texts: str, problem: Problem = PROBLEM) -> list[float]:
    """The scores of texts."""
    return [score.value for score in scores(LongRlvr(Exact()), problem, rollouts_of(problem, *texts), None)]


def text(chunks: str, answer: str) -> str:
    """A completion in the layout."""
    return f"<useful_chunks>{chunks}</useful_chunks> so <answer>{answer}</answer>"


def test_as_published() -> None:
    every = ", ".join(f"<CHUNK_{number}>" for number in range(40))
    found = value(text("2, 5, 5, 9", "7"), text("[2][5][5][9]", "8"), text("<CHUNK_2> <CHUNK_5> <CHUNK_7>", "7"))
    assert found == pytest.approx([1.625, 0.0625, 2.0])
    assert value(text("", "7"), text(every, "7")) == pytest.approx([1.0, 1.2885], abs=1e-4)


BROKEN = [
    "2, 5 <answer>7</answer>",
    text("2", "7") + text("5", "7"),
    "</useful_chunks>2<useful_chunks><answer>7</answer>",
    "<useful chunks>2</useful chunks><answer>7</answer>",
    text("2", "7").replace("</answer>", ""),
]


@pytest.mark.parametrize("broken", BROKEN)
def test_another_layout_earns_nothing(broken: str) -> None:
    assert value(broken) == [0.0]


def test_what_is_no_whole_number_is_no_chunk() -> None:
    assert cited(text("2.5, -3, x4, 1e9, 12345678, 6", "7"))[0] == [6]
    assert cited(text("1 " * 5000, "7"))[1] == "more than 4096 chunks are named"


def test_without_chunks_or_grade_it_is_unscored() -> None:
    assert math.isnan(value(text("2", "7"), problem=Problem("p", "Q?", "7"))[0])
    assert "names no chunk" in LongRlvr(Exact()).refuses(Problem("p", "Q?", "7"))
    assert LongRlvr(Exact()).refuses(PROBLEM) == ""
    (score,) = scores(LongRlvr(Format()), PROBLEM, rollouts_of(PROBLEM, text("2", "7")), None)
    assert "not graded" in score.reason
    assert value(text("2", "7"), problem=Problem("p", "Q?", "7", {"chunks": "<CHUNK_2>"})) == [2.0]
