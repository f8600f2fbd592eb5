"""Every method trains a tiny policy, by the one trainer: two steps of two updates, whatever its slots hold."""

import math

import pytest
import torch

from tests.training.small_runs import make_settings, make_trainer
from workbench.registry import find_method, methods


class Rising:
    """A bench for tests: entropy grows along every answer, and nothing is asked."""

    encoder, step = None, 1

    def uniform(self, key):
        return 0.5

    def ask(self, questions):
        raise ValueError("no method here asks a reward")

    def score(self, prompts, answers, signals):
        return [{name: [float(place) for place in range(len(answer))] for name in signals} for answer in answers]


#: What a method needs to find something on a task whose every problem is solved half of the time.
FITTED = {"ace_reason": {"sampler": {"most": 0.5}}, "prof": {"controller": {"part": "turns", "keep": 2}}}


#: Self-play needs a policy that writes programs: test_azr.py has it train.
@pytest.mark.parametrize("key", sorted(key for key in methods() if not key.startswith("azr")))
def test_every_method_changes_the_weights(key):
    method = find_method(key).override(FITTED.get(key, {}))
    parts = {"scorer": Rising()} if method.controller is not None else {}
    trainer = make_trainer(method, make_settings(training={"updates": 2}), **parts)
    before = {name: weight.detach().clone() for name, weight in trainer.policy.trainable().items()}
    steps = [step for step in trainer if step.number]  # 0: what a sampler surveys
    assert [step.number for step in steps] == [1, 2]
    for step in steps:
        assert math.isfinite(step.metrics["loss"])
        assert step.metrics["grad_norm"] > 0
    after = trainer.policy.trainable()
    assert any(not torch.equal(before[name], weight) for name, weight in after.items())
    assert all(weight.isfinite().all() for weight in after.values())
