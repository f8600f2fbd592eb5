"""A run ends before its last step where that was asked for, says why, and a resume does not take it further."""

import pytest

from tests.training.small_runs import make_settings, make_trainer
from workbench.config import RunConfig
from workbench.runs.demo import demo_config
from workbench.sections import TrainingSection
from workbench.training.watching.stopping import STOPPING, after, out_of_time

LONG = {"steps": 50}
EVALUATED = {"problems": 4, "every": 2, "probes": 0}


def settings(**training):
    return make_settings(
        training={"learning_rate": 1e-2, "micro_batch": 64, "threads": 1, **LONG, **training}, evaluation=EVALUATED
    )


def test_a_run_ends_with_the_evaluation_that_reaches_the_target():
    # every second rollout counts as correct, so four problems with one rollout each have accuracy 0 or more
    trainer = make_trainer("grpo", settings(target_accuracy=1e-9))
    trainer.parts.score = correct(trainer.parts.score)
    steps = list(trainer)
    assert [step.number for step in steps] == [0, 1, 2]
    assert [bool(step.ends) for step in steps] == [False, False, True]
    assert "reached training.target_accuracy" in steps[-1].ends
    assert steps[-1].evaluation is not None


def test_a_run_out_of_time_takes_one_more_step_with_evaluation_and_record():
    trainer = make_trainer("grpo", settings(max_seconds=1e-6))
    steps = list(trainer)
    assert [step.number for step in steps] == [0, 1, 2]
    assert "training.max_seconds = 1e-06 used up, after 2 steps" in steps[-1].ends
    assert steps[-1].evaluation is not None
    assert steps[-1].columns is not None


def test_without_a_bound_every_step_is_taken():
    trainer = make_trainer("grpo", make_settings())
    assert [step.ends for step in trainer] == ["", "all 2 steps"]
    assert trainer.states[STOPPING] == {"ends": "all 2 steps"}, "seconds would make resumed checkpoints differ"


def test_a_resumed_run_that_had_ended_takes_no_step(tmp_path):
    trainer = make_trainer("grpo", settings(max_seconds=1e-6))
    list(trainer)
    trainer.save(tmp_path)
    again = make_trainer("grpo", settings(max_seconds=1e-6))
    again.load(tmp_path)
    assert list(again) == []


def test_seconds_add_up():
    section = TrainingSection(steps=9, max_seconds=2.0)
    state = after(section, after(section, {}, 1.5, ""), 0.5, "")
    assert state == {"seconds": 2.0}
    assert out_of_time(section, state)
    assert not out_of_time(section, {"seconds": 1.9})


def test_a_target_without_an_evaluation_is_refused():
    with pytest.raises(ValueError, match=r"training\.target_accuracy is met by an evaluation"):
        RunConfig(name="x", training={"target_accuracy": 0.9}, evaluation={"problems": 0})


def test_the_demonstration_is_bounded():
    training = demo_config().training
    assert (training.target_accuracy, training.max_seconds) == (0.95, 60)
    assert demo_config().method.filters[0].rounds <= 2


def correct(score_groups):
    """A scoring after which every rollout is correct."""

    def scored(groups):
        events = score_groups(groups)
        for rollout in [rollout for group in groups for rollout in group.rollouts]:
            rollout.correct = 1.0
        return events

    return scored
