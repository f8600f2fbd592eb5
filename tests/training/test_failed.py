"""A number that is not finite stops the run before a weight changes: who answered it, and the batch to look at."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.batches import World
from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.kinds import Advantage, Correction, Ratio, Reduction, Regulariser, Surrogate
from workbench.method import Method, derive, lens
from workbench.ops import spread
from workbench.pieces.regulariser import K3
from workbench.registry import find_method
from workbench.training.failed import NotFiniteError, all_finite, failure, load, save, weights_failure
from workbench.training.sampling import Clock
from workbench.types import Batch, PerToken

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
GRPO = find_method("grpo")
STEP = 2  # at which the broken pieces break


def broken(batch: Batch, value: float) -> PerToken:
    """Ones, and from step 2 on another value at the first token of the second rollout."""
    found = torch.ones_like(batch.logprob)
    if batch.step >= STEP:
        found[min(1, len(found) - 1), 0] = value
    return found


@dataclass(frozen=True)
class Wild(Advantage):
    """Answers inf."""

    def __call__(self, batch: Batch) -> PerToken:
        return broken(batch, math.inf) * spread(batch.reward - 0.5, batch.mask)


@dataclass(frozen=True)
class Torn(Ratio):
    """Answers nan."""

    def __call__(self, batch: Batch) -> PerToken:
        return (batch.logprob - batch.old_logprob).exp() * broken(batch, math.nan)


@dataclass(frozen=True)
class Steep(Surrogate):
    """A finite loss whose derivative is not: the square root at 0."""

    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> PerToken:
        value = (ratio - 1.0) ** 2
        return -ratio * advantage + (value.sqrt() if batch.step >= STEP else value)


@dataclass(frozen=True)
class Heavy(Reduction):
    """Answers a weight of inf."""

    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken:
        return broken(batch, math.inf) / batch.mask.sum()


@dataclass(frozen=True)
class Drunk(Regulariser):
    """Answers nan."""

    def __call__(self, batch: Batch) -> PerToken:
        return batch.logprob * broken(batch, math.nan)


@dataclass(frozen=True)
class Blind(Correction):
    """Answers nan."""

    def __call__(self, batch: Batch) -> PerToken:
        return broken(batch, math.nan)


BROKEN = {
    "wild in slot advantage is inf": {"advantage": Wild()},
    "torn in slot ratio is nan": {"ratio": Torn()},
    "steep in slot surrogate, in its derivative by logprob, is nan": {"surrogate": Steep()},
    "heavy in slot reduction is inf": {"reduction": Heavy()},
    "drunk in slot regularisers.1 is nan": {"regularisers": (K3(coefficient=0.1), Drunk())},
    "blind in slot correction is nan": {"correction": Blind()},
}


def failing(method: Method, **changes: Any) -> tuple[NotFiniteError, Any]:
    """The error at the second step, and the trainer; its weights are those after the first."""
    trainer = make_trainer(method, make_settings(training={"steps": 3, "learning_rate": 1e-2, **changes}))
    steps = iter(trainer)
    next(steps)
    before = {name: weight.detach().clone() for name, weight in trainer.learner.weights().items()}
    with pytest.raises(NotFiniteError) as caught:
        next(steps)
    assert trainer.step == 1
    assert all(torch.equal(before[name], weight) for name, weight in trainer.learner.weights().items())
    return caught.value, trainer


@pytest.mark.parametrize("said", BROKEN)
def test_the_first_piece_that_is_not_finite_is_named(said: str, tmp_path: Path) -> None:
    method = dataclasses.replace(derive(GRPO, **TEXTS, **BROKEN[said]), key="mine")
    error, _ = failing(method)
    assert str(error).startswith(f"method mine, step 2: {said}")
    assert "lower training.learning_rate" in str(error)
    error.save(tmp_path / "batch.safetensors")
    batch = load(tmp_path / "batch.safetensors")
    assert batch.step == STEP == error.step
    assert batch.logprob[batch.mask].isfinite().all()
    assert not lens(method, batch).isfinite().all()  # to be looked at, step by step


def test_several_updates_stop_in_the_one_that_breaks() -> None:
    error, _ = failing(derive(GRPO, **TEXTS, ratio=Torn()), updates=2, epochs=2)
    assert "torn in slot ratio is nan" in str(error)
    assert len(error.batch.mask) == 8  # of sixteen rollouts


def test_a_policy_that_ran_away_is_told_from_a_piece() -> None:
    policy = tiny_policy()
    trainer = make_trainer("grpo", make_settings(training={"steps": 1, "learning_rate": 1e-2}), policy)
    sampled = trainer.sample(1, Clock())
    with torch.no_grad():
        next(iter(policy.trainable().values())).fill_(math.nan)
    with pytest.raises(NotFiniteError, match=r"method grpo, step 1: signal logprob is nan .* earlier checkpoint"):
        trainer.learner.learn(sampled, 1, Clock())


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("key", ["grpo", "ppo"])
def test_weights_that_the_optimiser_spoils_stop_the_run(key: str, place: int, value: float, tmp_path: Path) -> None:
    """Before anything is written of them, in the first step and in the last; `ppo` has a head, whose weights count."""
    trainer = make_trainer(key, make_settings(training={"steps": 1, "learning_rate": 1e-3}))
    optimiser, names = trainer.learner.optimiser, list(trainer.learner.weights())
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    plain = optimiser.step

    def step() -> None:
        plain()
        with torch.no_grad():
            weights[place].view(-1)[-1] = value

    optimiser.step = step  # type: ignore[method-assign]
    words = rf"method {key}, step 1: after the optimiser's step 1 of \d+ numbers of the parameter .*\(float32\)"
    with pytest.raises(NotFiniteError, match=words) as caught:
        list(trainer)
    assert trainer.step == 0
    assert names[place].removeprefix("head.") in str(caught.value)
    assert "lower training.learning_rate" in str(caught.value)
    caught.value.save(tmp_path / "batch.safetensors")


def test_half_types_are_told_of_the_remedy() -> None:
    weight = torch.tensor([1.0, math.nan], dtype=torch.float16)
    error = weights_failure(GRPO, World().batch(GRPO), {"fine": torch.ones(2), "w": weight})
    assert "1 of 2 numbers of the parameter w (float16)" in str(error)
    assert "set model.dtype = 'float32'" in str(error)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_large_numbers_are_finite(dtype: torch.dtype) -> None:
    most = torch.finfo(dtype).max
    assert all_finite([torch.full((9,), most, dtype=dtype), torch.full((3,), -most, dtype=dtype)])
    assert not all_finite([torch.ones(9), torch.tensor([most, math.inf], dtype=dtype)])


def test_a_reward_without_bounds_is_the_rewards_fault() -> None:
    batch = World().batch(GRPO)
    batch.reward[1] = math.inf
    error = failure(GRPO, batch, torch.zeros_like(batch.logprob), set())
    assert "step 3: the reward is inf (1 of 13 numbers, the first at row 1)" in str(error)
    assert "fix the reward or its shaping" in str(error)


def test_what_has_no_cause_on_the_way_is_the_models_backward_pass() -> None:
    batch = World().batch(GRPO)
    error = failure(GRPO, batch, torch.zeros_like(batch.logprob), {"logprob", "old_logprob"})
    assert "the gradient of the weights is not finite" in str(error)


@pytest.mark.parametrize("key", ["grpo", "vimpo", "siren"])
def test_a_kept_batch_is_the_batch(key: str, tmp_path: Path) -> None:
    method = find_method(key)
    batch = World().batch(method).replace(tokens=World().tokens, budget=9)
    save(batch, tmp_path / "batch.safetensors")
    found = load(tmp_path / "batch.safetensors")
    torch.testing.assert_close(lens(method, found), lens(method, batch), rtol=0, atol=0)
    assert (found.step, found.total_steps, found.budget, found.temperature) == (3, 10, 9, 1.0)
    assert found.extras.keys() == batch.extras.keys()
    assert torch.equal(found.tokens, batch.tokens)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"nothing of the kind")
    for name in ("weights.safetensors", "missing.safetensors"):
        with pytest.raises(ValueError, match=rf"{name} holds no batch: give a file of a run's folder `failed`"):
            load(tmp_path / name)


@dataclass(frozen=True)
class Settles(Advantage):
    """Settles a table of too few rows."""

    def settle(self, batch: Batch, advantage: PerToken) -> dict[str, Any]:
        return {"table": torch.ones(2, 3)}

    def __call__(self, batch: Batch) -> PerToken:
        return torch.zeros_like(batch.logprob)


@dataclass(frozen=True)
class Flat(Advantage):
    """One number a rollout."""

    def __call__(self, batch: Batch) -> Any:
        return batch.reward


@dataclass(frozen=True)
class Whole(Ratio):
    """Whole numbers."""

    def __call__(self, batch: Batch) -> Any:
        return batch.mask.long()


@dataclass(frozen=True)
class Listed(Reduction):
    """No tensor."""

    def __call__(self, batch: Batch, advantage: PerToken) -> Any:
        return [0.0]


@dataclass(frozen=True)
class Short(Regulariser):
    """One number a token."""

    def __call__(self, batch: Batch) -> Any:
        return batch.logprob.mean(0)


WRONG = {
    r"flat in slot advantage returned a torch.float32 tensor \[13\]; expected is .*\[13, 7\]": {"advantage": Flat()},
    r"whole in slot ratio returned a torch.int64 tensor \[13, 7\]; expected is a floating-point": {"ratio": Whole()},
    r"listed in slot reduction returned a list": {"reduction": Listed()},
    r"short in slot regularisers.0 returned a torch.float32 tensor \[7\]; .* or one number": {
        "regularisers": (Short(),)
    },
    r"settles in slot advantage returned 'table' from settle as a torch.float32 tensor \[2, 3\]; expected .* 13 rows": {
        "advantage": Settles()
    },
}


@pytest.mark.parametrize("said", WRONG)
def test_a_piece_that_answers_another_shape_or_type_is_named(said: str) -> None:
    method = derive(GRPO, **{**TEXTS, "title": "Mine"}, **WRONG[said])
    with pytest.raises(ValueError, match=f"^method Mine: {said}"):
        lens(method, World().batch(method))
