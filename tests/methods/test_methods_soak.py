"""Every method trains the embedded model for twenty steps: long, so in `make soak` alone."""

import math

import pytest

from workbench.config import RunConfig
from workbench.registry import methods
from workbench.runs.build import build

STEPS = 20


@pytest.mark.soak
@pytest.mark.parametrize("key", sorted(methods()))
def test_twenty_steps_of_the_embedded_model(key: str) -> None:
    config = RunConfig(
        task="word_problems",
        rewards=["exact"],
        method=key,
        rollouts={"problems": 6, "rollouts": 8, "max_tokens": 48},
        training={"steps": STEPS, "threads": 1},
        evaluation={"problems": 0},
    )
    trainer = build(config)
    numbers = []
    for step in trainer:
        numbers.append(step.number)
        assert all(math.isfinite(value) for value in step.metrics.values()), step.metrics
    assert numbers == list(range(1, STEPS + 1))
    assert all(bool(weight.isfinite().all()) for weight in trainer.policy.trainable().values())
