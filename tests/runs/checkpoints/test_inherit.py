"""What a fork takes over of a checkpoint, and what begins anew."""

from pathlib import Path
from typing import Any

import torch

from tests.runs.real_run import same
from workbench.config import RunConfig
from workbench.runs.checkpoints.inherit import inherit
from workbench.runs.process.build import alarms_of


def config(**changes: Any) -> RunConfig:
    """A config of the embedded model."""
    small = RunConfig.load(Path(__file__).parents[3] / "configs" / "embedded-cpu.toml")
    return small.replace(model={"device": "cpu"}, **{"method": {"method": "grpo"}, **changes})


def saved(settings: RunConfig, **states: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """A small checkpoint's content, as a trainer with these settings would write it."""
    alarms = {f"alarms.{place}": alarm.init() for place, alarm in enumerate(alarms_of(settings))}
    pieces = {**settings.method.init(), **alarms, "sampler": {"next": 48, "order": []}, **states}
    group = {"lr": 3e-4, "betas": [0.9, 0.999], "weight_decay": 0.0, "eps": 1e-8}
    heads = [{**group, "lr": head.learning_rate, "own": True} for head in settings.method.heads]
    weights = {"weight": torch.ones(2), **({"head.value.weight": torch.ones(1, 2)} if heads else {})}
    memory = {str(number): {"step": torch.tensor(3.0)} for number in range(len(weights))}
    state = {
        "step": 3,
        "states": pieces,
        "live": {"learning_rate": 2e-4, "clip_norm": 1.0},  # set while it ran
        "optimiser": {"state": memory, "groups": [group, *heads]},
    }
    return weights, state


def test_nothing_changes_where_nothing_was_changed() -> None:
    weights, state = saved(config())
    found = inherit(weights, state, config(), config())
    assert same(found.weights, weights)
    assert same(found.state, state)
    assert found.anew == []


def test_what_the_parent_changed_live_stays_unless_the_fork_sets_it() -> None:
    before = config()
    found = inherit(*saved(before), before, before.replace(training={"clip_norm": 0.5}))
    assert found.state["live"] == {"learning_rate": 2e-4, "clip_norm": 0.5}
    given = saved(before)
    found = inherit(*given, before, before.replace(training={"learning_rate": 1e-5, "betas": [0.8, 0.9]}))
    assert found.state["live"]["learning_rate"] == 1e-5
    assert found.state["optimiser"]["groups"][0]["betas"] == [0.8, 0.9]
    assert given[1]["live"]["learning_rate"] == 2e-4  # the parent's own is left alone
    assert given[1]["optimiser"]["groups"][0]["betas"] == [0.9, 0.999]


def test_a_sampler_begins_anew_for_another_task() -> None:
    before = config()
    kept = inherit(*saved(before), before, before.replace(rollouts={"problems": 8}))
    assert kept.state["states"]["sampler"] == {"next": 48, "order": []}
    found = inherit(*saved(before), before, before.replace(task={"task": "sums"}))
    assert found.state["states"]["sampler"] == {"next": 0, "order": []}
    assert found.anew == ["what sampler remembers begins anew (uniform)"]


def test_a_pruner_that_comes_in_begins_anew_and_one_that_goes_is_forgotten() -> None:
    before = config()
    after = before.replace(pruning={"pruner": "arrol"})
    found = inherit(*saved(before), before, after)
    assert found.state["states"]["pruner"]
    assert any("what pruner remembers begins anew" in text for text in found.anew)
    again = inherit(*saved(after, pruner=found.state["states"]["pruner"]), after, before)
    assert "pruner" not in again.state["states"]


def test_heads_that_fit_stay_at_the_rate_of_the_fork() -> None:
    before = config(method={"method": "ppo"})
    given = saved(before)
    found = inherit(*given, before, before.replace(training={"steps": 99}))
    assert same(found.weights, given[0])
    assert found.state["optimiser"]["groups"][1]["lr"] == before.method.heads[0].learning_rate
    assert found.anew == []
    gone = inherit(*given, before, config())
    assert list(gone.weights) == ["weight"]
    assert list(gone.state["optimiser"]["state"]) == ["0"]
    assert len(gone.state["optimiser"]["groups"]) == 1
