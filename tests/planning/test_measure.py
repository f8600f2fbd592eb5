"""Measured seconds of a step: the arithmetic on made-up samples, and real steps of a small model."""

import json
import sys
from pathlib import Path

import pytest

from workbench.config import RunConfig
from workbench.models.load import load_policy
from workbench.planning import measure as measuring
from workbench.planning.extrapolate import Sample, times_taken
from workbench.planning.measure import (
    FIRST,
    REPEATS,
    Stepper,
    measure_trainer,
    next_size,
    timing,
)
from workbench.runs.demo import demo_config
from workbench.runs.directory.paths import new_directory
from workbench.runs.prepare import prepare
from workbench.runs.process import measure as process
from workbench.runs.process.build import build

FIXTURES = Path(__file__).parents[1] / "models" / "configs"


@pytest.fixture(scope="module")
def config():
    return demo_config().replace(
        rollouts={"problems": 2, "rollouts": 4, "max_tokens": 24},
        training={"steps": 10, "threads": 1},
        evaluation={"problems": 8, "every": 4, "probes": 1, "probe_rollouts": 2},
    )


def settings_of(config):
    return Stepper(build(config)).settings


# ------------------------------------------------------------------------------- the arithmetic


def law(problems: int, cut: int, chance: float = 0.0) -> Sample:
    """A step of a machine that follows the laws exactly: 100 rollouts a problem, an answer ends at a fixed chance."""
    rollouts = 100 * problems
    going = [rollouts * (1 - chance) ** place for place in range(cut + 1)]
    tokens = sum(going[:-1])
    seconds = {"rollouts": 1 + 0.01 * tokens, "scoring": 0.5, "update": 2 + 0.02 * tokens, "other": 0.1}
    return Sample(problems, cut, tokens, rollouts, going[-1], seconds)


@pytest.mark.parametrize("chance", [0.0, 0.05])
def test_a_shorter_step_is_extrapolated_linearly(config, chance):
    settings = settings_of(config.replace(rollouts={"max_tokens": 96}))
    samples, whole = [law(2, 8, chance), law(2, 16, chance)], law(2, 96, chance)
    found = timing(settings, 3.0, samples, [])
    assert found.tokens == pytest.approx(whole.tokens, rel=1e-3)
    assert found.phases == pytest.approx(whole.seconds, rel=1e-3)
    assert found.step == pytest.approx(whole.total, rel=1e-3)
    assert found.most == pytest.approx(law(2, 96).total, rel=1e-3)
    assert found.whole == pytest.approx(3 + 10 * found.step)
    assert "completions of at most 16 tokens" in found.note


def test_one_small_sample_counts_in_proportion(config):
    settings = settings_of(config)
    found = timing(settings, 0.0, [law(1, 8)], [(4, 1.0), (8, 1.5)])
    assert found.phases["update"] == pytest.approx(2 * 3 * (2 + 0.02 * 800))  # two problems, longer answers
    assert found.phases["scoring"] == 1.0
    assert found.phases["other"] == 0.1
    assert found.evaluation == pytest.approx(1.5 * 3)
    assert "extrapolated to 2 problems" in found.note


def test_two_small_samples_tell_what_is_done_once(config):
    settings = settings_of(config.replace(rollouts={"problems": 16}))
    found = timing(settings, 0.0, [law(1, 8), law(4, 8)], [])
    assert found.phases == pytest.approx({**law(16, 24).seconds, "scoring": 2.0})
    assert found.tokens == 16 * 100 * 24


def test_whole_steps_are_taken_as_they_are(config):
    settings = settings_of(config)
    samples = [law(2, 8, 0.1), law(2, 24, 0.1), law(2, 24, 0.1)]
    found = timing(settings, 0.0, samples, [])
    assert found.phases == pytest.approx(samples[-1].seconds)
    assert "2 whole steps" in found.note


def test_sizes_grow_until_whole_steps_were_repeated():
    found, sizes = [law(1, 8)], []
    while (size := next_size(found, 6, 20)) is not None:
        sizes.append(size)
        found.append(law(*size[:2]))
    assert sizes[:4] == [(4, 8, 1), (6, 8, 1), (6, 16, 1), (6, 20, 1)]
    assert sizes[3:] == [(6, 20, number) for number in range(1, REPEATS + 1)]
    ended = Sample(6, 8, 30.0, 8.0, 0.0, {})
    assert next_size([ended], 6, 500) == (6, 500, 1)  # no answer is longer: nothing is gained by steps between


def test_evaluations_are_counted_as_the_trainer_makes_them(config):
    for every, steps in ((0, 10), (4, 10), (5, 10), (1, 3)):
        changed = config.replace(training={"steps": steps}, evaluation={"every": every})
        made = 1 + sum(number == steps or bool(every and number % every == 0) for number in range(1, steps + 1))
        assert times_taken(changed.training.steps, changed.evaluation.every) == made


# ------------------------------------------------------------------------------- real steps


def test_real_steps_are_measured_and_change_no_weight(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer = build(config)
    before = {name: weight.detach().clone() for name, weight in trainer.policy.trainable().items()}
    found = measure_trainer(trainer, 1.0, seconds=60)
    assert found.cut == found.longest == 24
    assert all(value > 0 for value in found.phases.values())
    assert found.step == pytest.approx(sum(found.phases.values()))
    assert found.evaluations == 4
    assert found.whole == pytest.approx(1 + 10 * found.step + 4 * found.evaluation)
    assert all(weight.equal(before[name]) for name, weight in trainer.policy.trainable().items())
    assert not list(tmp_path.iterdir())
    assert len({answer["prompt"] for answer in found.answers}) == 8
    assert all(answer["text"] and answer["answer"] for answer in found.answers)
    assert {answer["correct"] for answer in found.answers} <= {0.0, 1.0}
    json.dumps(found.to_dict())
    assert any("3 whole steps of 2 × 4 rollouts" in line for line in found.describe())


@pytest.mark.parametrize("method", ["dapo", "luffy", "cure", "ssb", "sgpo", "drive", "rise"])
def test_without_time_one_short_step_is_enough_for_any_method(config, method):
    found = measure_trainer(
        build(config.replace(method={"method": method}, evaluation={"problems": 0})), 0.0, seconds=1e-6
    )
    assert found.cut == FIRST
    assert found.step > 0
    assert found.evaluations == 0
    surveyed = {"sgpo": 256 * 8, "drive": 175 * 8}.get(method)
    told = f"with a survey of {surveyed:,} rollouts before the first step" if surveyed else ""
    assert told in found.note
    assert ("survey" in found.note) == bool(surveyed)


def test_a_process_of_its_own_measures_and_leaves_nothing(config, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(process.tempfile, "tempdir", None)
    found = process.measure(config, seconds=0.5)
    assert isinstance(found, measuring.Timing)
    assert found.load > 0.1
    assert found.step > 0
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------- bad input, bad luck


def test_what_cannot_be_measured_says_why_in_one_message(config, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="give more than 0"):
        process.measure(config, seconds=0)
    with pytest.raises(ValueError, match=r"rollouts\.max_tokens = 99999: the model reads"):
        process.measure(config.replace(rollouts={"max_tokens": 99_999}))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ValueError, match="ended with code 1 before it had an answer"):
        process.measure(config)


def test_a_model_without_weights_is_told_by_name(config, tmp_path):
    folder = tmp_path / "no-weights"
    folder.mkdir()
    (folder / "config.json").write_text((FIXTURES / "qwen2.5-0.5b" / "config.json").read_text())
    without = RunConfig(**{**config.to_dict(), "model": {"name": str(folder), "device": "cpu"}})
    directory = prepare(without, new_directory(tmp_path, "run"), without.to_toml())
    error = process.measured(directory, 1.0)["error"]
    assert error.startswith(f"model.name = {str(folder)!r}: its weights cannot be read")
    assert "\n" not in error
    with pytest.raises(ValueError, match="its weights cannot be read"):
        load_policy(without.model)


def test_a_fault_in_a_step_is_told(config, tmp_path, monkeypatch):
    directory = prepare(config, new_directory(tmp_path, "run"), config.to_toml())

    def fail(*given):
        raise KeyError("nobody")

    monkeypatch.setattr(measuring, "measure_trainer", fail)
    assert process.measured(directory, 1.0) == {"error": "no step could be measured: KeyError: 'nobody'"}
