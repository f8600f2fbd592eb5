"""Asks that a pick brings, and what a sampler or synthesis may get wrong: one message, and the run stays valid."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.kinds import Ask, Controller, Orders, Past, Pick, Pool, Round, Sampler, Synthesis, Task
from workbench.method import derive
from workbench.registry import find_method
from workbench.training.trainer import Trainer
from workbench.types import Problem, State
from workbench.types.memory import LONGEST, MOST, Stock

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
GRPO = find_method("grpo")


@dataclass(frozen=True)
class Asking(Sampler):
    """Picks what it is told, once for every problem of the step."""

    pick: Any = None

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        return [self.pick] * pool.count, state


def trainer(method: Any, steps: int = 4, **parts: Any) -> Trainer:
    """A small trainer."""
    return make_trainer(method, make_settings(training={"steps": steps, "learning_rate": 1e-2}), **parts)


# ------------------------------------------------------------------------------------------ bad input


@dataclass(frozen=True)
class Nonsense(Synthesis):
    """Makes what it is told."""

    made: Any = ()

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        return list(self.made), state


GOOD = Problem("good", "1+1=", "2")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (Problem("a", "", "2"), "'a' without prompt"),
        (Problem("a", "1+1=", "  "), "'a' without answer"),
        (Problem("", "1+1=", "2"), "'' without key"),
        (GOOD, "the key 'good' twice"),
        (Problem("a", "x" * (LONGEST + 1), "2"), f"'a' with {LONGEST + 1} characters of prompt"),
        (Problem("a", "1+1=", "2", {"much": "x" * LONGEST}), "characters of data, more than"),
        (Problem("a", "1+1=", "2", {"odd": object()}), "'a' with data that are no JSON"),
        (Problem("a", "1+1=", "2", {"odd": math.nan}), "'a' with data that are no JSON"),
        (Problem("a", "half \ud800", "2"), "'a' with characters in its prompt that cannot be written"),
        (Problem("a", "1+1=", "2", {"half": "\ud800"}), "'a' with characters in its data that cannot be written"),
        (Problem("k" * 9999, "", "2"), "'" + "k" * 59 + " without prompt"),
        ("nonsense", "a str, which is no Problem"),
    ],
)
def test_nonsense_is_one_message_and_the_run_continues(bad: Any, words: str) -> None:
    run = trainer(derive(GRPO, **TEXTS, synthesis=Nonsense((GOOD, bad))), steps=2)
    steps = list(run)
    events = [event for event in steps[0].events if event.startswith("synthesis nonsense: 1 of 2 problems left out")]
    assert len(events) == 1
    assert words in events[0]
    assert [line["key"] for line in steps[0].journal["problems"]] == ["good"]
    assert len(run.parts.stock) == 1
    assert len(steps) == 2


def test_endless_nonsense_is_bounded() -> None:
    lines, faults = Stock().lines([Problem(str(number), "1+1=", "2") for number in range(MOST + 5)], 1)
    assert len(lines) == MOST
    assert faults == [f"{MOST + 5} problems in one step: those after the first {MOST} are left out"]


@pytest.mark.parametrize(
    ("pick", "words"),
    [
        (Pick(-1, 2), "sampler asking picks problem -1, and the task has no end"),
        (Pick(), "picks problem -1"),
        (Pick(0, 0), "picks a problem for 0 rollouts: give 1 or more"),
        (Pick(0, 2, ask=Ask(max_tokens=99)), "asks for 99 tokens: give at least 1 and at most rollouts.max_tokens = 5"),
    ],
)
def test_a_pick_that_cannot_be_asked_is_named(pick: Pick, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        list(trainer(derive(GRPO, **TEXTS, sampler=Asking(pick)), steps=1))


@dataclass(frozen=True)
class Few(Task):
    """A task with five problems."""

    def problem(self, number: int, split: Any) -> Problem:
        return Problem(f"few-{number}", f"{number}+1=", str(number + 1))

    def size(self, split: Any) -> int | None:
        return 5


def test_a_problem_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="picks problem 5, and the task has problems 0 to 4"):
        list(trainer(derive(GRPO, **TEXTS, sampler=Asking(Pick(5, 2))), steps=1, task=Few()))


# --------------------------------------------------------------------------------------------- asks


def test_a_pick_may_bring_problem_prompt_training_prompt_budget_and_role() -> None:
    policy = tiny_policy()
    own = Problem("own", "bare", "7", source="made")
    prompts = {"prompt": "hinted {question}", "training_prompt": "{question}"}
    ask = Ask(**prompts, max_tokens=3, role="check", tag="hint", train=False)
    engine = ScriptedEngine(policy.encoder, {"own": ["answer: 7"]})
    method = derive(GRPO, **TEXTS, sampler=Asking(Pick(problem=own, rollouts=2, ask=ask)))
    run = make_trainer(method, make_settings(training={"steps": 1}), policy, engine=engine)
    step = next(iter(run))
    assert step.columns is not None
    assert set(step.columns["problem"]) == {"own"}
    assert set(step.columns["role"]) == {"check"}
    assert set(step.columns["excluded"]) == {"not trained"}
    assert {tuple(row) for row in step.columns["prompt_ids"]} == {policy.encoder.prompt("bare")}
    assert step.columns["offsets"].tolist() == [0, 3, 6, 9, 12, 15, 18, 21, 24]
    assert step.journal["ledger"] == [{"step": 1, "visits": []}]


@dataclass(frozen=True)
class TooLong(Controller):
    """Asks for something with a prompt longer than the model."""

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number:
            return Orders(state=state)
        first = round.groups[0]
        prompts = [round.encoder.prompt("x" * count) for count in (1, 500, 600)]
        asked = [round.request(problem=first.problem, prompt=prompt, group=round.new_group()) for prompt in prompts]
        return Orders(asked, state=state)


def test_a_request_that_does_not_fit_into_the_model_is_left_out_with_one_message() -> None:
    (step,) = list(trainer(derive(GRPO, **TEXTS, controller=TooLong()), steps=1))
    (event,) = [text for text in step.events if "left out" in text]
    assert event.startswith("2 requests left out: prompts of up to 6")
    assert event.endswith("no room for the completion in the model's 128 positions")
    assert step.metrics["rollouts"] == 17.0
