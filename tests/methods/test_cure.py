"""CURE: where it cuts, what it orders, and the advantage of the grown group."""

import dataclasses
import itertools

import pytest
import torch

from tests.batches import advantage_rows, assert_close
from tests.runs.real_run import Here, make_run
from workbench.kinds import Round
from workbench.methods.cure import Recut
from workbench.registry import find_method
from workbench.runs.checkpoints.fork import fork
from workbench.runs.directory.record import read_table
from workbench.types import Batch, Group, Problem, Request, Rollout

ENTROPY = [1.9, 0.1, 0.8, 2.2, 0.05, 1.1, 0.9, 2.0]
LENGTH = [3, 3, 3, 3, 1, 3, 3, 0]  # characters of a token; the last one is special


class Words:
    """An encoder for tests: token n is a text of LENGTH[n] letters."""

    def prompt(self, text):
        return (1, 2)

    def text(self, tokens):
        return "".join("x" * LENGTH[token] for token in tokens)

    shown = text
    answer = prompt


class Fixed:
    """A scorer for tests: the same entropies for every answer."""

    def score(self, prompts, answers, signals):
        assert list(signals) == ["entropy"]
        return [{"entropy": ENTROPY} for _ in answers]


@pytest.mark.parametrize(("draw", "expected"), [(0.0, 3), (0.34, 5), (0.67, 6), (0.999, 6)])
def test_where_it_cuts(draw, expected):
    allowed = [length > 1 for length in LENGTH]
    assert Recut(candidates=3).cut(ENTROPY, lambda place: allowed[place], draw) == expected


@pytest.mark.parametrize("blank", ["  ", "\n\n", " \t x", "\n  "])
def test_white_space_is_no_visible_character(blank):
    """A token of blanks, or of blanks and a single character, is no candidate."""

    class Blank(Words):
        def text(self, tokens):
            return blank if list(tokens) == [3] else super().text(tokens)

    first, _ = Recut(candidates=3)({}, dataclasses.replace(make_round(0, Fixed()), encoder=Blank())).requests
    assert first.prefix == (0, 1)  # of 2, 5 and 6 instead of 3, 5 and 6


def test_an_answer_without_candidates_is_begun_anew():
    assert Recut().cut(ENTROPY, lambda place: False, 0.5) == 0
    assert Recut().cut([2.0], lambda place: True, 0.5) == 0


def make_round(number: int, scorer: object) -> Round:
    problem = Problem("p", "2 + 2 =", "4")
    request = Request(problem, (1, 2), group=7, number=0, n=2)
    tokens = list(range(8))
    rollouts = [Rollout(request, index, tokens, "", [0.0] * 8, [0.0] * 8, "stop") for index in range(2)]
    numbers = itertools.count(1)
    return Round(
        number,
        step=1,
        groups=[Group(7, problem, rollouts)],
        encoder=Words(),
        request=lambda **fields: Request(number=next(numbers), **fields),
        new_group=lambda: 99,
        uniform=lambda index: [0.0, 0.9][index],
        scorer=scorer,
    )


def test_branches_join_the_group_and_their_prefix_is_not_trained():
    orders = Recut(candidates=3)({}, make_round(0, Fixed()))
    first, second = orders.requests
    assert (first.prefix, second.prefix) == ((0, 1, 2), (0, 1, 2, 3, 4, 5))
    assert {(request.group, request.n, request.tag) for request in orders.requests} == {(7, 3, "branch")}
    branch = Rollout(first, 0, [0, 1, 2, 5, 6], "", [0.0] * 5, [0.0] * 5, "stop")
    assert branch.trained == [False, False, False, True, True]
    assert not Recut()({}, make_round(1, Fixed())).requests


def test_without_a_scorer_it_says_what_is_missing():
    with pytest.raises(ValueError, match="no scorer"):
        Recut()({}, make_round(0, None))


def test_advantage_of_the_grown_group():
    reward = torch.zeros(16, dtype=torch.float64)
    reward[:4] = 1.0
    zeros = torch.zeros(16, 1, dtype=torch.float64)
    batch = Batch(
        logprob=zeros,
        old_logprob=zeros,
        mask=torch.ones(16, 1, dtype=torch.bool),
        reward=reward,
        group=torch.zeros(16, dtype=torch.long),
    )
    found = advantage_rows(find_method("cure"), batch)
    assert_close([found[0], found[-1]], [1.677, -0.559], 1e-3)


def test_the_second_stage_is_a_fork_with_dapo(tmp_path):
    """Four rollouts and twelve branches of a problem become four rollouts; the curves are of both stages."""
    first = make_run(tmp_path / "runs", method={"method": "cure"}, rollouts={"problems": 1}, training={"steps": 1})
    second = fork(first, 1, launcher=Here(), method={"method": "dapo"}, training={"steps": 2})
    assert second.status.state == "finished"
    assert second.config.method == find_method("dapo")
    lines = [line for line in second.lines() if line["step"]]
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[0]["rollouts"] % 16 == 0
    assert lines[1]["rollouts"] % 4 == 0
    columns = read_table(second.file("rollouts", 2)).to_pydict()
    assert set(columns["tag"]) == {""}
    assert "branch" in read_table(first.file("rollouts", 1)).to_pydict()["tag"]
