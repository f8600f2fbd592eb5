"""Probe problems: the same few at every evaluation, recorded as rollouts are, without a trace in the training."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from tests.training.test_trainer import numbers, same
from workbench.models import LoraSpec
from workbench.runs.directory.record import rollout_table
from workbench.signals import RECORDED
from workbench.training import checkpoint
from workbench.training.evaluation import EVALUATION_STEP, PROBE_STEP, WAITING
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Row

PROBED = {"problems": 5, "every": 2, "probes": 3, "probe_rollouts": 4}


def steps_of(**evaluation: int) -> list[Step]:
    """Three steps with evaluations."""
    training = {"steps": 3, "learning_rate": 1e-2, "micro_batch": 64}
    return list(make_trainer("grpo", make_settings(evaluation={**PROBED, **evaluation}, training=training)))


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return steps_of()


def test_they_are_recorded_with_every_evaluation(steps: list[Step]) -> None:
    assert [step.number for step in steps if step.probes is not None] == [0, 2, 3]
    for step in (steps[0], steps[2]):
        probes = step.probes
        assert probes is not None
        assert probes["step"] == [step.number] * 12
        assert probes["group"] == [number // 4 for number in range(12)]
        assert len(set(probes["problem"])) == 3
        assert probes["reward"] == [0.0, 1.0] * 6
        assert probes["excluded"] == [None] * 12
        count = int(probes["offsets"][-1])
        assert probes["trained"].all()
        for name in (*RECORDED, "engine_logprob", "sampled_logprob"):
            assert len(probes[name]) == count, name
            assert np.isfinite(probes[name]).all(), name
        assert not {"advantage", "lens", "old_logprob"} & probes.keys()  # nobody learnt from them
        np.testing.assert_allclose(probes["logprob"], probes["engine_logprob"], atol=1e-4)


def test_they_are_the_held_out_problems_and_not_their_evaluation(steps: list[Step]) -> None:
    first, evaluation = steps[0].probes, steps[0].evaluation
    assert first is not None
    assert evaluation is not None
    assert list(dict.fromkeys(first["problem"])) == evaluation["problem"][:3]
    assert len({EVALUATION_STEP, PROBE_STEP, *range(100)}) == 102
    texts = [evaluation["text"][number // 4] for number in range(12)]
    assert first["text"] != texts  # other noise


def test_the_noise_is_the_same_every_time() -> None:
    training = {"steps": 1, "learning_rate": 1e-30}
    before, after = make_trainer("grpo", make_settings(evaluation=PROBED, training=training))
    assert before.probes is not None
    assert after.probes is not None
    for name in ("token_ids", *RECORDED):
        np.testing.assert_allclose(before.probes[name], after.probes[name], atol=1e-5, err_msg=name)


def test_they_change_no_number_of_the_run(steps: list[Step]) -> None:
    without = steps_of(probes=0)
    assert all(step.probes is None for step in without)
    for one, other in zip(steps, without, strict=True):
        assert numbers(one) == numbers(other)
        assert one.evaluation == other.evaluation
        for name, values in (one.columns or {}).items():
            assert other.columns is not None
            if isinstance(values, np.ndarray):
                np.testing.assert_array_equal(values, other.columns[name], err_msg=name)


def test_without_numbers_nothing_is_read() -> None:
    settings = make_settings(evaluation=PROBED, record={"tokens": "none"})
    probes = next(iter(make_trainer("grpo", settings))).probes
    assert probes is not None
    assert "logprob" not in probes
    assert len(probes["token_ids"]) == probes["offsets"][-1]


def test_with_a_reference_its_distance_is_read_as_well() -> None:
    settings = dataclasses.replace(make_settings(evaluation=PROBED))
    probes = next(iter(make_trainer("grpo", settings, tiny_policy(LoraSpec(rank=2))))).probes
    assert probes is not None
    assert np.isfinite(probes["kl"]).all()
    assert (probes["kl"] > 0).any()


# ------------------------------------------------------------------------------------- scored again


def scored(method: str = "grpo", **changes: Any) -> Trainer:
    """A run whose probes, of steps 0 and 2, are scored again after steps 1 and 3."""
    tables = {"training": {"steps": 4, "learning_rate": 1e-2, "micro_batch": 64}, "record": {"after": 1}}
    return make_trainer(method, make_settings(evaluation={**PROBED, "every": 2}, **{**tables, **changes}))


def by_hand(trainer: Trainer, probes: dict[str, Any]) -> np.ndarray:
    """The log-prob of every token of recorded probes under the policy as it is now, each rollout read alone."""
    found = []
    for row, (start, end) in enumerate(zip(probes["offsets"], probes["offsets"][1:], strict=False)):
        answer = probes["token_ids"][start:end].tolist()
        found.append(trainer.learner.forward.read([Row(probes["prompt_ids"][row], answer)], ("logprob",))["logprob"][0])
    return np.concatenate([each.numpy() for each in found])


def test_they_are_scored_again_after_the_step_that_follows() -> None:
    trainer, newest = scored(), None
    told = {}
    for step in trainer:
        if step.again is not None:
            assert newest is not None
            assert newest.probes is not None
            told[step.number] = step.again["step"]
            np.testing.assert_allclose(step.again["after_logprob"], by_hand(trainer, newest.probes), atol=1e-5)
            assert np.abs(step.again["after_logprob"] - newest.probes["logprob"]).max() > 1e-3  # the policy has moved
            assert WAITING not in trainer.states or step.probes is not None
        newest = step
    assert told == {1: 0, 3: 2}


def test_what_did_not_move_is_scored_alike() -> None:
    before, after = scored(training={"steps": 1, "learning_rate": 1e-30})
    assert before.probes is not None
    assert after.again is not None
    np.testing.assert_allclose(after.again["after_logprob"], before.probes["logprob"], atol=1e-6)


def test_that_changes_no_number_of_the_run_and_is_not_done_unasked() -> None:
    plain = list(scored(record={}))
    assert all(step.again is None for step in plain)
    for one, other in zip(scored(), plain, strict=True):
        assert numbers(one) == numbers(other)
        assert one.evaluation == other.evaluation
        for table, without in ((one.probes, other.probes), (one.columns, other.columns)):
            shared = {name: values for name, values in (table or {}).items() if name in (without or {})}
            assert repr(shared) == repr(without or {})
    assert all(step.again is None for step in scored(record={"after": 1, "tokens": "none"}))


def test_a_run_that_is_stopped_while_they_wait_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = list(scored())
    first = scored()
    steps = iter(first)
    for _ in range(3):
        next(steps)
    first.save(tmp_path)
    resumed = scored()
    resumed.load(tmp_path)
    rest = list(resumed)
    assert [step.number for step in rest] == [3, 4]
    assert rest[0].again is not None
    for one, other in zip(rest, whole[3:], strict=True):
        same(one, other)


def test_a_checkpoint_from_before_they_were_kept_goes_on_without(tmp_path: Path) -> None:
    first = scored()
    steps = iter(first)
    for _ in range(3):
        next(steps)
    weights = first.learner.weights()
    del first.states[WAITING]
    first.save(tmp_path)
    assert WAITING not in checkpoint.read(tmp_path)[1]["states"]
    resumed = scored()
    resumed.load(tmp_path)
    assert {name: value.tolist() for name, value in resumed.learner.weights().items()} == {
        name: value.tolist() for name, value in weights.items()
    }
    assert [step.again for step in resumed] == [None, None]


def test_without_it_nothing_of_them_is_kept_in_a_checkpoint(tmp_path: Path) -> None:
    trainer = scored(record={})
    next(iter(trainer))
    trainer.save(tmp_path)
    assert WAITING not in checkpoint.read(tmp_path)[1]["states"]


def test_what_a_method_reads_of_the_reference_is_recorded_with_them() -> None:
    settings = make_settings(evaluation=PROBED, record={"after": 1}, training={"steps": 1})
    probes = next(iter(make_trainer("grpo_paper", settings))).probes
    assert probes is not None
    np.testing.assert_allclose(probes["ref_logprob"], probes["logprob"], atol=1e-5)  # nobody has learnt yet
    assert rollout_table(probes).column("ref_logprob").null_count == 0
