"""The dry pass: the largest update, tried before the first step, changes nothing and says what does not fit."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.training.small_runs import make_settings, make_trainer
from workbench.method import derive
from workbench.registry import find_method
from workbench.training.trainer import Trainer
from workbench.types import Row

ALWAYS = {"steps": 2, "learning_rate": 1e-2, "micro_batch": 64, "dry_pass": "always"}


def dry(method: Any = "grpo", **training: Any) -> Trainer:
    """A trainer that tries the largest update."""
    return make_trainer(method, make_settings(training={**ALWAYS, **training}))


def read_rows(trainer: Trainer) -> list[list[Row]]:
    """The rows of every pass with gradient from now on."""
    seen: list[list[Row]] = []
    read = trainer.learner.forward.read

    def spy(rows: Any, names: Any, gradient: Any = (), **more: Any) -> Any:
        if gradient:
            seen.append(list(rows))
        return read(rows, names, gradient, **more)

    trainer.learner.forward.read = spy  # type: ignore[method-assign]
    return seen


@pytest.mark.parametrize("key", ["grpo", "ppo", "cepo", "grpo_paper"])
def test_nothing_is_changed(key: str) -> None:
    plain, tried = list(dry(key, dry_pass="never")), list(dry(key))
    for one, other in zip(plain, tried, strict=True):
        assert one.columns is not None
        assert other.columns is not None
        for name, values in one.columns.items():
            if isinstance(values, np.ndarray):
                np.testing.assert_array_equal(values, other.columns[name], err_msg=name)
    trainer = dry(key)
    chance = torch.get_rng_state()
    before = {name: weight.detach().clone() for name, weight in trainer.learner.weights().items()}
    trainer.try_largest()
    assert torch.equal(torch.get_rng_state(), chance)
    assert not trainer.learner.optimiser.state
    for name, weight in trainer.learner.weights().items():
        assert torch.equal(weight, before[name])
        assert weight.grad is None


def test_it_is_as_large_as_any_update() -> None:
    trainer = dry()
    seen = read_rows(trainer)
    list(trainer)
    sizes = [sum(row.length for row in rows) for rows in seen]
    assert sizes[0] >= max(sizes[1:])
    assert {len(row.answer) for row in seen[0]} == {5}  # every answer as long as it may be
    assert len({len(row.prompt) for row in seen[0]}) == 1


def test_it_is_left_out_on_a_cpu_unless_asked_for() -> None:
    assert dry().tries_largest
    assert not dry(dry_pass="auto").tries_largest
    assert not dry(dry_pass="never").tries_largest


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory")],
)
def test_what_does_not_fit_is_told_with_advice(error: RuntimeError, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = dry()

    def full(rows: Any) -> Any:
        raise error

    monkeypatch.setattr(trainer.policy, "before", full)
    trainer.advice = lambda prompt: f"set model.quantisation = 'nf4' (prompts of {prompt})"
    said = r"the largest update does not fit into the memory of cpu: completions of 5 tokens after prompts of (\d+), .*"
    with pytest.raises(ValueError, match=rf"{said}micro_batch = 64; set model.quantisation = 'nf4' .prompts of \1"):
        next(iter(trainer))


def test_another_error_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = dry()

    def broken(rows: Any) -> Any:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(trainer.policy, "before", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        next(iter(trainer))


def test_with_a_resumed_optimiser_it_is_left_as_it_is() -> None:
    trainer = dry()
    next(iter(trainer))
    state = trainer.learner.optimiser.state_dict()["state"]
    before = {number: {name: value.clone() for name, value in item.items()} for number, item in state.items()}
    trainer.try_largest()
    for number, item in trainer.learner.optimiser.state_dict()["state"].items():
        assert all(torch.equal(before[number][name], value) for name, value in item.items())


def test_a_method_that_reads_the_reference_is_tried_with_it() -> None:
    trainer = dry(derive(find_method("vimpo"), title="t", paper="p", equation="e", changes="c"))
    trainer.try_largest()
    assert all(weight.grad is None for weight in trainer.learner.weights().values())
