"""Probe problems: the same few at every evaluation, recorded as rollouts are, without a trace in the training."""

import dataclasses

import numpy as np
import pytest

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from tests.training.test_training_trainer import numbers
from workbench.models import LoraSpec
from workbench.signals import RECORDED
from workbench.training.evaluation import EVALUATION_STEP, PROBE_STEP
from workbench.training.step import Step

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
        assert probes["left_out"] == [None] * 12
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
