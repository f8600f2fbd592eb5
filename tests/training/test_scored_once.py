"""A rollout is scored once, however many rounds its step has; roles and sources have metrics of their own."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.training.small_runs import make_parts, make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.kinds import Controller, Orders, Reward, Round
from workbench.registry import find_method
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_groups
from workbench.runs.directory.record import rollout_table
from workbench.tasks.sums import Sums
from workbench.training.sampling import Clock, Limits, Sampled, StepSampler
from workbench.training.step import Learned
from workbench.training.watching.metrics import metrics_of
from workbench.types import Group, Problem, Rollout, Sampling, Score, Scorer, State

GRPO = find_method("grpo")
TASK = Sums(level=1)
PROBLEMS = [TASK.problem(number, "train") for number in range(4)]
ANSWERS: dict[str, Sequence[Any]] = {each.key: [f"answer: {each.answer}", "answer: x"] for each in PROBLEMS}
CHECK = Problem("check", "is it correct?", "yes", source="grading")
ANSWERS |= {"check": ["answer: no"]}


@dataclass(frozen=True)
class Counting(Reward):
    """Counts how often it is given each rollout, by identity."""

    seen: Any = None

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        self.seen.update(id(rollout) for rollout in rollouts)
        return [Score(float(len(rollouts)), correct=rollout.index % 2 == 0) for rollout in rollouts]


@dataclass(frozen=True)
class Together(Reward):
    """The same, for a reward that compares the rollouts of a group."""

    groupwise = True
    seen: Any = None

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        return Counting(self.seen)(problem, rollouts, scorer)


@dataclass(frozen=True)
class Again(Controller):
    """Asks for as many rollouts of every group, so many rounds long."""

    rounds: int = 6

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number >= self.rounds:
            return Orders(state=state)
        first = [group.rollouts[0].request for group in round.groups]
        return Orders([round.request(problem=r.problem, prompt=r.prompt, group=r.group, n=4) for r in first])


@dataclass(frozen=True)
class Checked(Controller):
    """Has the first rollout of every group checked, in a group of its own."""

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number:
            return Orders(state=state)
        prompt = round.encoder.prompt(CHECK.prompt)
        return Orders(
            [
                round.request(
                    problem=CHECK,
                    prompt=prompt,
                    group=round.new_group(),
                    n=3,
                    role="check",
                    parent=group.rollouts[0].key,
                )
                for group in round.groups
            ]
        )


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    yield
    for name in ("counting", "together"):
        Reward.registry.pop(name, None)


def sample(controller: Controller, rewards: Sequence[tuple[str, Reward, float]], rounds: int = 8) -> Sampled:
    """One step of four problems with four rollouts each, of a scripted engine."""
    policy = tiny_policy()

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups(rewards, (), groups, None, 20)

    parts = make_parts(
        GRPO, policy, engine=ScriptedEngine(policy.encoder, ANSWERS), score=scored, controller=controller
    )
    states = {"sampler": parts.sampler.init(), "controller": controller.init()}
    limits = Limits(4, 4, rounds, 0)
    return StepSampler(parts, limits, Sampling(max_tokens=20, stop=(2,), step=1), states, Clock()).run()


def test_seven_rounds_score_every_rollout_once() -> None:
    seen: Counter[int] = Counter()
    sampled = sample(Again(6), [("count", Counting(seen), 1.0)])
    assert len(sampled.rollouts) == 112
    assert sum(seen.values()) == 112
    assert set(seen.values()) == {1}
    assert {rollout.reward for rollout in sampled.rollouts} == {4.0}  # each round's own four


def test_two_hundred_rounds_do_too() -> None:
    seen: Counter[int] = Counter()
    sampled = sample(Again(199), [("count", Counting(seen), 1.0)], rounds=200)
    assert len(sampled.rollouts) == sum(seen.values()) == 3200


def test_a_reward_that_compares_a_group_sees_all_of_it_each_time() -> None:
    seen: Counter[int] = Counter()
    sampled = sample(Again(6), [("count", Together(seen), 1.0)])
    assert sum(seen.values()) == 448
    assert {rollout.reward for rollout in sampled.rollouts} == {28.0}  # as of the whole group


def test_a_role_has_metrics_of_its_own_and_its_parent_on_record() -> None:
    sampled = sample(Checked(), [("exact", Exact(), 1.0)])
    metrics = metrics_of(sampled, Learned(()))
    assert (metrics["correct"], metrics["correct.check"]) == (0.5, 0.0)
    assert (metrics["reward"], metrics["reward.check"], metrics["reward.exact"]) == (0.5, 0.0, 0.5)
    assert metrics["correct.check.grading"] == 0.0
    assert metrics["zero_variance_groups"] == 0.0  # of the groups that solve
    assert metrics["rollouts"] == 28.0
    assert metrics["length.check"] != metrics["length"]


def test_role_source_and_parent_are_on_record() -> None:
    trainer = make_trainer("grpo", make_settings(training={"steps": 1}), controller=Checked())
    step = next(iter(trainer))
    assert step.columns is not None
    table = rollout_table(step.columns)
    assert table.column("role").to_pylist() == [""] * 16 + ["check"] * 12
    assert table.column("source").to_pylist() == [""] * 16 + ["grading"] * 12
    assert table.column("parent").to_pylist() == [None] * 16 + [0] * 3 + [4] * 3 + [8] * 3 + [12] * 3
    assert {"entropy", "entropy.check"} <= step.metrics.keys()
    assert not math.isclose(step.metrics["entropy"], step.metrics["entropy.check"])


def test_problems_of_a_source_have_an_accuracy_of_their_own() -> None:
    from workbench.training.evaluation import accuracy

    sampled = sample(Checked(), [("exact", Exact(), 1.0)])
    found = accuracy(Sampled(sampled.groups[:4], set(), []))
    assert found.keys() == {"accuracy", "evaluated", "accuracy_scored_share"}
    assert accuracy(Sampled(sampled.groups[4:], set(), []))["accuracy.check.grading"] == 0.0
