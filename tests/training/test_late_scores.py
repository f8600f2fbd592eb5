"""Scores that a controller gives in a later round: parts and reward agree, and what cannot be scored is one message."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.training.small_runs import make_parts, make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.kinds import Controller, Orders, Reward, Round, Shaping
from workbench.pieces.shaping import Scale
from workbench.registry import find_method
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_groups
from workbench.runs.directory.record import rollout_table
from workbench.tasks.sums import Sums
from workbench.training.sampling import Clock, Limits, Sampled, StepSampler
from workbench.training.watching.scored import scored_share
from workbench.types import Group, Problem, Request, Rollout, Sampling, Score, State

GRPO = find_method("grpo")
TASK = Sums(level=1)
PROBLEMS = [TASK.problem(number, "train") for number in range(2)]
ANSWERS: dict[str, Sequence[Any]] = {each.key: [f"answer: {each.answer}", "answer: x"] for each in PROBLEMS}
PROPOSAL = Problem("proposal", "propose one", "-")
ANSWERS |= {"proposal": ["a sum", "nothing", "another sum", ""]}


@dataclass(frozen=True)
class Proposing(Controller):
    """Has four problems proposed, which no reward is asked about, and scores them a round later as it is told."""

    scores: Any = None  # from the rollouts to the scores
    train: bool = True

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number == 0:
            return Orders([self.proposals(round)], state=state)
        proposed = [each for group in round.groups for each in group.rollouts if each.request.role == "propose"]
        scores = self.scores(proposed) if round.number == 1 else {}
        again = [self.proposals(round)] if round.number == 1 else []
        return Orders(again, scores=scores, state=state)

    def proposals(self, round: Round) -> Request:
        """Four proposals in a group of their own."""
        fields: dict[str, Any] = {"problem": PROPOSAL, "prompt": round.encoder.prompt(PROPOSAL.prompt)}
        return round.request(**fields, group=round.new_group(), n=4, role="propose", late=True, train=self.train)


Scores = Mapping[tuple[int, int], Mapping[str, Score]]


def sample(
    scores: Callable[[Sequence[Rollout]], Scores],
    rewards: Sequence[tuple[str, Reward, float]] = (("exact", Exact(), 1.0),),
    shaping: Sequence[Shaping] = (),
    controller: Controller | None = None,
) -> Sampled:
    """One step of two problems."""
    policy = tiny_policy()

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups(rewards, shaping, groups, None, 20)

    controller = controller or Proposing(scores)
    parts = make_parts(
        GRPO, policy, engine=ScriptedEngine(policy.encoder, ANSWERS), score=scored, controller=controller
    )
    states = {"sampler": parts.sampler.init(), "controller": {}}
    return StepSampler(parts, Limits(2, 2, 8, 0), Sampling(max_tokens=20, stop=(2,), step=1), states, Clock()).run()


def half_right(rollouts: Sequence[Rollout]) -> Scores:
    """Every proposal scored: 1 where there is one."""
    return {each.key: {"valid": Score(float("sum" in each.text), "looked at", "sum" in each.text)} for each in rollouts}


def test_late_scores_join_parts_and_reward() -> None:
    sampled = sample(half_right, shaping=[Scale(-1.0, 1.0)])
    assert sampled.events == []
    first, second = (group.rollouts for group in sampled.groups[2:])
    assert [each.reward for each in first] == [1.0, -1.0, 1.0, -1.0]
    assert [each.correct for each in first] == [1.0, 0.0, 1.0, 0.0]
    assert [each.parts["valid"].value for each in first] == [1.0, 0.0, 1.0, 0.0]
    assert {tuple(each.parts) for each in first} == {("valid",)}  # no reward was asked
    assert all(math.isnan(each.reward) and not each.scored for each in second)
    assert [each.reward for each in sampled.groups[0].rollouts] == [1.0, -1.0]
    assert scored_share(sampled.rollouts) == pytest.approx(8 / 12)


def test_on_record_parts_and_reward_agree() -> None:
    policy = tiny_policy()
    answers = {**ANSWERS, **{TASK.problem(n, "train").key: ["answer: 1", "answer: 2"] for n in range(8)}}

    def every(rollouts: Sequence[Rollout]) -> Scores:
        return {each.key: {"valid": Score(0.25 * each.index)} for each in rollouts}

    engine = ScriptedEngine(policy.encoder, answers)
    settings = make_settings(training={"steps": 1, "unscored": 1.0, "mismatch_limit": 0.0})
    step = next(iter(make_trainer(GRPO, settings, policy, engine=engine, controller=Proposing(every))))
    assert step.columns is not None
    table = rollout_table(step.columns).to_pylist()
    late = [row for row in table if row["role"] == "propose" and row["parts"]]
    assert [row["reward"] for row in late] == [0.0, 0.25, 0.5, 0.75]
    for row in table:
        if row["parts"]:
            assert row["reward"] == sum(part["value"] for part in row["parts"])
    unscored = [row["excluded"] for row in table if row["role"] == "propose" and not row["parts"]]
    assert unscored == ["unscored"] * 4
    assert step.metrics["reward.propose"] == 0.375


def test_a_late_part_has_the_weight_of_the_reward_that_is_called_so() -> None:
    def valid(rollouts: Sequence[Rollout]) -> Scores:
        return {each.key: {"exact": Score(1.0), "bonus": Score(0.5)} for each in rollouts}

    sampled = sample(valid, rewards=[("exact", Exact(), 3.0)])
    assert [each.reward for each in sampled.groups[2].rollouts] == [3.5] * 4


def test_a_rollout_that_was_scored_may_get_a_part_more() -> None:
    @dataclass(frozen=True)
    class Bonus(Controller):
        """Gives every correct rollout half a point more, once."""

        def __call__(self, state: State, round: Round) -> Orders:
            right = [each for group in round.groups for each in group.rollouts if each.correct == 1]
            return Orders(scores={each.key: {"bonus": Score(0.5)} for each in right}, state=state)

    try:
        sampled = sample(half_right, controller=Bonus())
    finally:
        del Controller.registry["bonus"]
    assert [[each.reward for each in group.rollouts] for group in sampled.groups] == [[1.5, 0.0], [1.5, 0.0]]


def test_untrained_ones_without_a_score_are_not_missed() -> None:
    sampled = sample(half_right, controller=Proposing(half_right, train=False))
    assert scored_share(sampled.rollouts) == 1.0


@pytest.mark.parametrize(
    ("score", "words"),
    [
        (Score(math.inf), "valid of rollout 0 of request 2: value inf: a reward is finite"),
        (Score(1.0, per_token=(1.0,) * 99), "99 values per token for"),
    ],
)
def test_a_late_score_that_is_none_is_one_message(score: Any, words: str) -> None:
    sampled = sample(lambda rollouts: {each.key: {"valid": score} for each in rollouts})
    (event,) = sampled.events
    assert event.startswith("late scores of proposing: ")
    assert words in event
    assert event.endswith(" more); left out")
    assert all(math.isnan(each.reward) for each in sampled.groups[2].rollouts)


def test_a_late_score_of_a_dropped_rollout_is_one_message() -> None:
    @dataclass(frozen=True)
    class Dropping(Controller):
        """Drops a group, and scores what it dropped, and a rollout that never was."""

        def __call__(self, state: State, round: Round) -> Orders:
            keys = [each.key for each in round.groups[0].rollouts]
            scores = {key: {"late": Score(1.0)} for key in [*keys, (99, 0)]}
            return Orders(drop_groups=frozenset({round.groups[0].number}), scores=scores, state=state)

    try:
        sampled = sample(half_right, controller=Dropping())
    finally:
        del Controller.registry["dropping"]
    assert sampled.events == [
        "late scores of dropping: rollout 0 of request 0 was dropped or never there (and 2 more); left out"
    ]
    assert [each.reward for each in sampled.rollouts] == [1.0, 0.0]
