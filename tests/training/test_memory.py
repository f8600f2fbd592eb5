"""Ledger, stock, asks, survey and synthesis in a trainer: what enters, what is refused; the same bits resumed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.kinds import Ask, Controller, Orders, Past, Pick, Pool, Round, Sampler, Survey, Synthesis
from workbench.method import derive
from workbench.registry import find_method
from workbench.tasks.sums import Sums
from workbench.training.memory import visits
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Problem, Request, Rollout, State
from workbench.types.memory import Ledger, Stock

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
GRPO = find_method("grpo")


@dataclass(frozen=True)
class Rephrased(Synthesis):
    """Makes one problem of every group, and keeps count of them."""

    def init(self) -> State:
        return {"made": 0}

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        made = [
            Problem(
                f"again-{past.step}-{each.number}", f"again: {each.problem.prompt}", each.problem.answer, {"by": (1,)}
            )
            for each in past.groups
        ]
        return made, {"made": state["made"] + len(made)}


@dataclass(frozen=True)
class Newest(Sampler):
    """Half of the step from the stock, the newest first, the rest where the ledger has the fewest visits."""

    surveyed: int = 0

    @property
    def survey(self) -> Survey | None:
        return Survey(3, self.surveyed) if self.surveyed else None

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        stocked = [pool.stock[-1 - place] for place in range(min(len(pool.stock), pool.count // 2))]
        picks = [Pick(problem=each, rollouts=pool.rollouts, ask=Ask(tag="stock")) for each in stocked]
        rest = sorted(range(8), key=lambda number: len(pool.ledger.visits(number)))[: pool.count - len(picks)]
        return picks + [Pick(number, pool.rollouts) for number in rest], state


GROWING = derive(GRPO, **TEXTS, synthesis=Rephrased(), sampler=Newest())


def trainer(method: Any = GROWING, steps: int = 4, **parts: Any) -> Trainer:
    """A small trainer."""
    return make_trainer(method, make_settings(training={"steps": steps, "learning_rate": 1e-2}), **parts)


def lines_of(steps: Sequence[Step], name: str) -> list[Any]:
    """The lines of a journal."""
    return [line for step in steps for line in step.journal.get(name, ())]


# -------------------------------------------------------------------------------------- into the memory


def test_made_problems_are_asked_in_the_next_step_and_every_attempt_is_in_the_ledger() -> None:
    run = trainer()
    steps = list(run)
    ledger, stock = run.parts.ledger, run.parts.stock
    assert len(stock) == 16
    assert stock["again-1-0"].prompt.startswith("again: ")
    assert stock.steps["again-3-1"] == 3
    columns = steps[1].columns
    assert columns is not None
    assert columns["tag"] == ["stock"] * 8 + [""] * 8
    assert list(dict.fromkeys(columns["problem"]))[:2] == ["again-1-3", "again-1-2"]
    for step in steps:
        assert step.columns is not None
        (line,) = step.journal["ledger"]
        correct = dict.fromkeys(step.columns["problem"], 0.0)
        for key, value in zip(step.columns["problem"], step.columns["correct"], strict=True):
            correct[key] += value
        assert {entry[0]: entry[3] for entry in line["visits"]} == correct
        assert {entry[2] for entry in line["visits"]} == {4}
    assert sum(len(ledger.visits(key)) for key in ledger.by_key) == 16
    assert ledger.last("again-1-3") == 2
    assert math.isnan(ledger.rate("nothing"))


def test_the_ledger_counts_by_key_and_by_number() -> None:
    ledger = Ledger()
    ledger.take({"step": 1, "visits": [["a", 3, 4, 1.0, 7.0], ["made", -1, 2, 2.0, None]]})
    ledger.take({"step": 5, "visits": [["a", 3, 4, 3.0, 9.0]]})
    assert [(visit.step, visit.rate) for visit in ledger.visits("a")] == [(1, 0.25), (5, 0.75)]
    assert ledger.visits(3) == ledger.visits("a")
    assert (ledger.rate(3), ledger.rate("made"), ledger.last("a"), ledger.last(0)) == (0.5, 1.0, 5, -1)
    assert ledger.totals(5).tolist() == [[0, 0, 0, 8, 0], [0, 0, 0, 4, 0]]
    assert [str(rate) for rate in ledger.rates(5)] == ["nan", "nan", "nan", "0.5", "nan"]
    assert ledger.totals(2).tolist() == [[0, 0], [0, 0]]
    assert len(ledger) == 2


def test_only_attempts_at_the_problem_as_it_stands_count() -> None:
    encoder = tiny_policy().encoder
    problem = Problem("p", "1+1=", "2")
    bare = encoder.prompt(problem.prompt)

    def rollout(correct: float, finish: Any = "stop", **fields: Any) -> Rollout:
        request = Request(problem, **{"prompt": bare, "group": 0, "number": 0, "pick": 7, **fields})
        return Rollout(request, 0, [1, 2, 3], "", [], [], finish, correct=correct)

    attempts = [rollout(1.0), rollout(0.0), rollout(math.nan)]
    others = [
        rollout(1.0, prompt=encoder.prompt("hint 1+1=")),
        rollout(1.0, prefix=(5,)),
        rollout(1.0, role="check"),
        rollout(1.0, finish="given"),
        rollout(1.0, finish="pruned"),
    ]
    assert visits(4, attempts + others, encoder) == {"step": 4, "visits": [["p", 7, 2, 1.0, 3.0]]}


@dataclass(frozen=True)
class Dropping(Controller):
    """Drops the first group."""

    def __call__(self, state: State, round: Round) -> Orders:
        return Orders(drop_groups=frozenset({0}), state=state)


def test_dropped_attempts_are_visits_too() -> None:
    run = trainer(derive(GRPO, **TEXTS, controller=Dropping()), steps=1)
    (step,) = list(run)
    assert len(step.journal["ledger"][0]["visits"]) == 4
    assert step.columns is not None
    assert len(set(step.columns["problem"])) == 3


def test_a_problem_of_the_task_is_enriched_and_never_given_another_answer() -> None:
    task = Sums(level=1)
    known = task.problem(0, "train")
    stock = Stock()
    lines, faults = stock.lines([Problem(known.key, known.prompt, known.answer, {"parts": [1]})], 1)
    assert not faults
    stock.take(lines[0])
    assert stock.enriched(known).data == {"parts": [1]}
    assert stock.enriched(task.problem(1, "train")) == task.problem(1, "train")
    _, faults = stock.lines([Problem(known.key, known.prompt, "another", {})], 2)
    assert faults == [f"the key {known.key!r} of another prompt or answer"]
    stock.take({"step": 2, "key": "x", "prompt": known.prompt, "answer": "other", "data": {}, "source": "s"})
    assert [each.key for each in stock.of("s")] == ["x"]
    assert stock.of("s", since=3) == []


# ------------------------------------------------------------------------------------------- survey


def test_a_survey_comes_before_the_first_step_and_once() -> None:
    run = trainer(derive(GRPO, **TEXTS, sampler=Newest(surveyed=6)), steps=1)
    steps = list(run)
    assert [step.number for step in steps] == [0, 1]
    assert steps[0].metrics["survey"] == 6.0
    (line,) = steps[0].journal["ledger"]
    assert [entry[1:3] for entry in line["visits"]] == [[number, 3] for number in range(6)]
    assert steps[0].metrics["survey.correct"] == sum(entry[3] for entry in line["visits"]) / 18
    again = trainer(derive(GRPO, **TEXTS, sampler=Newest(surveyed=6)), steps=1)
    again.memory.enter("ledger", [line])
    assert [step.number for step in again] == [1]


# ------------------------------------------------------------------------------------------- resume


@pytest.mark.parametrize("method", [GROWING, derive(GROWING, **TEXTS, sampler=Newest(surveyed=6))])
def test_a_resumed_trainer_has_the_same_memory_and_takes_the_same_steps(method: Any, tmp_path: Path) -> None:
    whole = trainer(method)
    steps = list(whole)
    run = trainer(method)
    for step in run:
        if step.number == 2:
            break
    run.save(tmp_path)
    resumed = trainer(method)
    resumed.load(tmp_path)
    assert (resumed.parts.ledger.by_key.keys(), len(resumed.parts.stock)) == (run.parts.ledger.by_key.keys(), 8)
    rest = list(resumed)
    for name in ("ledger", "problems"):
        assert lines_of(rest, name) == lines_of([step for step in steps if step.number > 2], name)
    assert resumed.parts.ledger.by_key == whole.parts.ledger.by_key
    assert resumed.parts.stock.problems == whole.parts.stock.problems
    assert resumed.states["synthesis"] == {"made": 16}


def test_a_checkpoint_that_counts_more_lines_than_there_are_is_refused(tmp_path: Path) -> None:
    run = trainer()
    run.memory.journal.stored = True
    steps = list(run)
    run.save(tmp_path)
    kept = {name: lines_of(steps, name) for name in ("ledger", "problems")}
    resumed = trainer()
    resumed.load(tmp_path, kept)
    assert len(resumed.parts.stock) == 16
    with pytest.raises(ValueError, match=r"problems.jsonl has 15 of the 16 lines .* put back the file"):
        trainer().load(tmp_path, {**kept, "problems": kept["problems"][:-1]})
