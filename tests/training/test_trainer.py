"""The trainer as a generator of steps: every method, schedules, evaluation, and going on bit for bit."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.example_pieces import EXAMPLE, Fit, Hinted
from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.kinds import Advantage, Reward, WeightEdit
from workbench.method import Method, derive
from workbench.models import LoraSpec
from workbench.ops import group_centre, spread
from workbench.pieces.filters import DynamicSampling
from workbench.pieces.regulariser import K3
from workbench.registry import find_method, methods
from workbench.signals import RECORDED
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Batch, PerToken, Problem, Rollout, Score, Scorer, State

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
GRPO = find_method("grpo")


@dataclass(frozen=True)
class Touchy(Reward):
    """Raises on the first rollout of a group."""

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        if any(rollout.index == 0 for rollout in rollouts):
            raise RuntimeError("no zeros please")
        return [Score(float(rollout.index % 2), "", bool(rollout.index % 2)) for rollout in rollouts]


@dataclass(frozen=True)
class Witness(Advantage):
    """The centred reward; remembers how many steps it saw, and says so to whoever reads its state."""

    def init(self) -> State:
        return {"steps": 0, "mean": torch.zeros(2)}

    def __call__(self, batch: Batch) -> PerToken:
        return spread(group_centre(batch.reward, batch.group), batch.mask) * (1 + batch.piece_state["steps"])

    def learn(self, state: State, batch: Batch) -> State:
        mean = batch.reward[batch.scored].mean()
        return {"steps": batch.piece_state["steps"] + 1, "mean": state["mean"] + mean}


@dataclass(frozen=True)
class Halve(WeightEdit):
    """Every second step goes back half of the way to where the step before ended."""

    def __call__(self, state: State, weights: Any, step: int) -> tuple[Any, State]:
        now = {name: value.clone() for name, value in weights.items()}
        if step % 2 or not state:
            return {}, now
        return {name: (value + state[name]) / 2 for name, value in now.items()}, now


def weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    """A copy of what is trained."""
    return {name: value.detach().clone() for name, value in trainer.learner.weights().items()}


def numbers(step: Step) -> dict[str, float]:
    """Metrics without seconds."""
    return {name: value for name, value in step.metrics.items() if not name.startswith("seconds")}


def same(one: Step, other: Step) -> None:
    """Equal but for the seconds."""
    assert numbers(one) == numbers(other)
    assert one.evaluation == other.evaluation
    for left, right in ((one.columns, other.columns), (one.probes, other.probes), (one.again, other.again)):
        assert (left is None) == (right is None)
        for name, values in (left or {}).items():
            assert right is not None
            if isinstance(values, np.ndarray):
                np.testing.assert_array_equal(values, right[name], err_msg=name)
            else:
                assert str(values) == str(right[name]), name  # nan is not equal to itself


#: Self-play needs a policy that writes programs, supervised training writes nothing: their own tests have them train.
TRAINING = sorted(key for key in methods() if key != "sft" and not key.startswith("azr"))
#: What a method needs to find something on a task whose every problem is solved half of the time.
FITTED = {"ace_reason": {"sampler": {"most": 0.5}}, "prof": {"controller": {"part": "turns", "keep": 2}}}


@pytest.mark.parametrize("key", TRAINING)
def test_every_method_trains(key: str) -> None:
    trainer = make_trainer(find_method(key).override(FITTED.get(key, {})))
    before = weights(trainer)
    steps = [step for step in trainer if step.number]  # 0: what a sampler surveys
    assert [step.number for step in steps] == [1, 2]
    for step in steps:
        assert all(math.isfinite(value) for value in step.metrics.values()), step.metrics
        assert 0 < step.metrics["correct"] <= 1
        assert step.metrics["zero_variance_groups"] == (1.0 if key == "ssb" else 0.0)  # ssb keeps right answers alone
        assert step.metrics["grad_norm"] > 0
        if key == "ssb":  # all of it was written after another prompt: there is no gap to speak of
            assert "mismatch_p99" not in step.metrics
        else:
            assert step.metrics["mismatch_p99"] < 1e-3
        assert step.columns is not None
        count = int(step.columns["offsets"][-1])
        trained = step.columns["trained"]
        for name in (*RECORDED, "advantage", "lens", "old_logprob", "engine_logprob", "sampled_logprob"):
            assert len(step.columns[name]) == count, name
            assert np.isfinite(step.columns[name][trained]).all(), name
        assert np.any(step.columns["lens"] != 0)
    assert any(not torch.equal(before[name], value) for name, value in weights(trainer).items())


def test_the_record_names_every_rollout() -> None:
    step = next(iter(make_trainer("grpo")))
    assert step.columns is not None
    columns = step.columns
    assert columns["rollout"] == list(range(16))
    assert columns["group"] == [number // 4 for number in range(16)]
    assert columns["reward"] == [0.0, 1.0] * 8
    assert columns["parts"][1] == [
        {"name": "turns", "value": 1.0, "correct": 1.0, "reason": "its turn", "extracted": "1"}
    ]
    assert columns["prompt"][0].startswith("<")  # special tokens are shown
    assert set(columns["finish"]) <= {"stop", "length"}
    assert columns["top_ids"].shape == (columns["offsets"][-1], 5)
    # on the policy's own samples, engine and trainer agree
    np.testing.assert_allclose(columns["engine_logprob"], columns["logprob"], atol=1e-4)


def test_step_zero_is_an_evaluation_and_the_last_step_is_one_too() -> None:
    settings = make_settings(evaluation={"problems": 6, "every": 2}, training={"steps": 3, "learning_rate": 1e-2})
    steps = list(make_trainer("grpo", settings))
    assert [step.number for step in steps] == [0, 1, 2, 3]
    assert [step.evaluation is not None for step in steps] == [True, False, True, True]
    assert [step.columns is None for step in steps] == [True, False, False, False]
    first, last = steps[0].evaluation, steps[-1].evaluation
    assert first is not None
    assert last is not None
    assert first["problem"] == last["problem"]
    assert len(set(first["problem"])) == 6
    assert steps[0].metrics["accuracy"] == 0.0  # one answer each, and only every second of a problem is right
    assert "loss" not in steps[0].metrics


def test_an_evaluation_changes_no_number_of_the_steps() -> None:
    plain = list(make_trainer("grpo"))
    evaluated = list(make_trainer("grpo", make_settings(evaluation={"problems": 6, "every": 1})))[1:]
    for one, other in zip(plain, evaluated, strict=True):
        assert numbers(one) == {name: value for name, value in numbers(other).items() if name in one.metrics}


def test_untouched_weights_evaluate_to_the_same_answers() -> None:
    settings = make_settings(evaluation={"problems": 6, "every": 1}, training={"steps": 1, "learning_rate": 1e-30})
    before, after = list(make_trainer("grpo", settings))
    assert before.evaluation is not None
    assert after.evaluation is not None
    assert before.evaluation["token_ids"] == after.evaluation["token_ids"]


def test_the_learning_rate_warms_up_and_then_follows_its_schedule() -> None:
    def rates(**changes: Any) -> list[float]:
        settings = make_settings(training={"learning_rate": 8.0, "steps": 6, "warmup": 2, "threads": 1, **changes})
        learner = make_trainer("grpo", settings).learner
        return [round(learner.learning_rate(number), 6) for number in range(1, 7)]

    assert rates() == [4.0, 8.0, 8.0, 8.0, 8.0, 8.0]
    assert rates(schedule="linear") == [4.0, 8.0, 8.0, 6.0, 4.0, 2.0]
    assert rates(schedule="cosine") == [4.0, 8.0, 8.0, round(4 * (1 + math.sqrt(0.5)), 6), 4.0, rates_cosine_end()]
    assert rates(warmup=0, schedule="linear") == [8.0, round(8 * 5 / 6, 6), round(8 * 4 / 6, 6), 4.0, *two_thirds()]


def rates_cosine_end() -> float:
    """The last of four steps of a cosine from 8."""
    return round(4 * (1 - math.sqrt(0.5)), 6)


def two_thirds() -> list[float]:
    """The last two of six steps of a line from 8."""
    return [round(8 * 2 / 6, 6), round(8 / 6, 6)]


def test_live_fields_take_effect_at_the_next_step() -> None:
    trainer = make_trainer("grpo", make_settings(training={"steps": 3, "learning_rate": 1e-2}))
    steps = iter(trainer)
    assert next(steps).metrics["learning_rate"] == 1e-2
    before = weights(trainer)
    assert trainer.set(learning_rate=1e-30) == {"learning_rate": 1e-2}
    assert next(steps).metrics["learning_rate"] == 1e-30
    assert all(torch.allclose(before[name], value, atol=1e-12) for name, value in weights(trainer).items())
    with pytest.raises(ValueError, match="steps cannot be changed during a run; these can: learning_rate"):
        trainer.set(steps=4.0)
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="give a number above 0"):
            trainer.set(learning_rate=wrong)
    assert trainer.set(clip_norm=0.5) == {"clip_norm": 1.0}


RESUMED: dict[str, Method] = {
    "grpo": GRPO,
    "head": derive(GRPO, **TEXTS, regularisers=(Fit(), K3(coefficient=0.1))),
    "states": derive(GRPO, **TEXTS, advantage=Witness(), controller=Hinted(), edits=(Halve(),)),
    "example": EXAMPLE,
    "filtered": derive(GRPO, **TEXTS, filters=(DynamicSampling(rounds=1),)),
}


@pytest.mark.parametrize(("key", "lora"), [*((key, None) for key in RESUMED), ("head", LoraSpec(rank=2))])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(key: str, lora: LoraSpec | None, tmp_path: Path) -> None:
    training = {"steps": 3, "learning_rate": 1e-2, "updates": 2, "micro_batch": 256, "schedule": "cosine"}
    size = {"problems": 2, "rollouts": 4, "max_tokens": 4}
    settings = make_settings(training=training, rollouts=size, evaluation={"problems": 3, "every": 2})
    method = dataclasses.replace(RESUMED[key], key="")

    def fresh() -> Trainer:
        return make_trainer(method, settings, tiny_policy(lora))

    whole = fresh()
    expected = []
    for step in whole:
        expected.append(step)
        if step.number == 1:
            whole.set(clip_norm=0.7)
            whole.save(tmp_path / "one")
    resumed = fresh()
    resumed.load(tmp_path / "one")
    assert resumed.step == 1
    found = list(resumed)
    assert [step.number for step in found] == [2, 3]
    for one, other in zip(expected[-2:], found, strict=True):
        same(one, other)
    ours, theirs = weights(resumed), weights(whole)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    resumed.save(tmp_path / "resumed")
    whole.save(tmp_path / "whole")
    for name in ("weights.safetensors", "state.safetensors", "state.json"):
        assert (tmp_path / "resumed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".pt", ".pkl", ".bin")]


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    make_trainer("grpo").save(tmp_path / "plain")
    with pytest.raises(ValueError, match="is of another model"):
        make_trainer("grpo", policy=tiny_policy(LoraSpec(rank=2))).load(tmp_path / "plain")
    with pytest.raises(ValueError, match=r"is not a complete checkpoint: weights.safetensors is missing"):
        make_trainer("grpo").load(tmp_path)


def test_a_seed_is_a_run() -> None:
    one, two, other = (list(make_trainer("grpo", make_settings(seed=seed))) for seed in (0, 0, 1))
    for left, right in zip(one, two, strict=True):
        same(left, right)
    assert numbers(one[0]) != numbers(other[0])


def test_updates_and_epochs_move_the_ratio() -> None:
    training = {"steps": 1, "learning_rate": 1e-2, "updates": 2, "epochs": 2, "micro_batch": 64}
    step = next(iter(make_trainer("grpo", make_settings(training=training))))
    assert step.columns is not None
    moved = np.abs(step.columns["logprob"] - step.columns["old_logprob"])
    offsets = step.columns["offsets"]
    groups = [moved[offsets[4 * group] : offsets[4 * group + 4]].max() for group in range(4)]
    assert min(groups) > 1e-3  # the last epoch saw every group after another update
    np.testing.assert_allclose(step.columns["old_logprob"], step.columns["engine_logprob"], atol=1e-4)


def test_a_piece_learns_from_its_own_memory_once_a_step() -> None:
    trainer = make_trainer(RESUMED["states"], make_settings(training={"steps": 2, "updates": 2, "learning_rate": 1e-2}))
    first = next(iter(trainer))
    assert trainer.states["advantage"]["steps"] == 1
    assert first.columns is not None
    assert set(np.abs(first.columns["advantage"]).round(3)) == {0.5}  # before it had learnt


def test_unscored_rollouts_weigh_nothing() -> None:
    step = next(iter(make_trainer("grpo", make_settings(training={"steps": 1, "unscored": 0.5}), reward=Touchy())))
    assert step.columns is not None
    assert step.metrics["scored_share"] == 0.75
    assert len(step.events) == 4
    assert "reward turns raised RuntimeError: no zeros please" in step.events[0]
    offsets = step.columns["offsets"]
    for number, reward in enumerate(step.columns["reward"]):
        lens = step.columns["lens"][offsets[number] : offsets[number + 1]]
        assert math.isnan(reward) == (number % 4 == 0)
        assert lens.any() != (number % 4 == 0)


def test_too_many_unscored_rollouts_stop_the_run_with_the_reason() -> None:
    trainer = make_trainer("grpo", make_settings(training={"steps": 1, "unscored": 0.2}), reward=Touchy())
    before = weights(trainer)
    with pytest.raises(ValueError, match=r"25% .* more than training.unscored = 0.2 allows; .*no zeros please"):
        next(iter(trainer))
    assert all(torch.equal(before[name], value) for name, value in weights(trainer).items())


def test_every_n_th_step_is_recorded_and_the_last() -> None:
    settings = make_settings(training={"steps": 5, "learning_rate": 1e-2}, record={"every": 2})
    assert [step.number for step in make_trainer("grpo", settings) if step.columns is not None] == [2, 4, 5]


def test_recording_less_changes_no_weight() -> None:
    all_of_it, none = make_trainer("grpo"), make_trainer("grpo", make_settings(record={"tokens": "none"}))
    steps = [list(all_of_it), list(none)]
    ours, theirs = weights(all_of_it), weights(none)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert steps[1][0].columns is not None
    assert "rank" not in steps[1][0].columns
    assert numbers(steps[0][-1]) == numbers(steps[1][-1])


def test_with_an_adapter_the_exact_kl_is_recorded() -> None:
    trainer = make_trainer("grpo", policy=tiny_policy(LoraSpec(rank=2)))
    first, second = trainer
    assert first.columns is not None
    assert np.isfinite(first.columns["kl"]).all()
    assert second.metrics["kl"] > 0


def test_phases_are_told_and_timed() -> None:
    phases: list[str] = []
    trainer = make_trainer("grpo", make_settings(evaluation={"problems": 2, "every": 1}))
    trainer.on_phase = phases.append
    step = list(trainer)[-1]
    assert phases[:7] == ["evaluate", "generate", "reward", "score", "update", "sync", "record"]
    parts = [value for name, value in step.metrics.items() if name.startswith("seconds.")]
    assert step.metrics["seconds"] == pytest.approx(sum(parts))
