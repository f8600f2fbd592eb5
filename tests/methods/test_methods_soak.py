"""Every method trains the embedded model for twenty steps, and a replay of the first three says what the run said.

Long, so in `make soak` alone.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from workbench.config import RunConfig
from workbench.registry import find_method, methods
from workbench.runs.directory.record import rollout_table
from workbench.runs.process.build import build
from workbench.runs.replay import Replay
from workbench.training.assemble import Scale

STEPS, REPLAYED, BUDGET = 20, 3, 48


@pytest.mark.soak
@pytest.mark.parametrize("key", sorted(methods()))
def test_twenty_steps_of_the_embedded_model(key: str) -> None:
    config = RunConfig(
        task="word_problems",
        rewards=["exact"],
        method=key,
        rollouts={"problems": 6, "rollouts": 8, "max_tokens": BUDGET},
        training={"steps": STEPS, "threads": 1},
        evaluation={"problems": 0},
    )
    trainer = build(config)
    numbers: list[int] = []
    seen: list[Replay] = []
    for step in trainer:
        if step.number <= REPLAYED:
            assert step.columns is not None
            seen.append(check_replay(key, step.number, step.columns, seen))
        numbers.append(step.number)
        assert all(math.isfinite(value) for value in step.metrics.values()), step.metrics
    assert numbers == list(range(1, STEPS + 1))
    assert all(bool(weight.isfinite().all()) for weight in trainer.policy.trainable().values())


def check_replay(key: str, number: int, columns: Mapping[str, Any], seen: list[Replay]) -> Replay:
    """The replay of a step, of which the run's own method must say what was recorded, and GRPO something."""

    def earlier() -> Iterator[Replay]:
        return iter(seen[: number - 1])

    table = rollout_table(columns)
    replay = Replay.of_table(table, Scale(number, STEPS, BUDGET, 1.0))
    replay = dataclasses.replace(replay, earlier=earlier)
    said = table.column("lens").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    if len(said):
        scale = float(np.nanmax(np.abs(said), initial=1e-9))
        np.testing.assert_allclose(replay.push(find_method(key)), said, rtol=0, atol=1e-4 * scale)
        assert np.isfinite(replay.push(find_method("grpo"))[replay.known]).all()
    return replay
