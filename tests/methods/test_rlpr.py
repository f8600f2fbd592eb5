"""RLPR as a method: what it is made of, and a step with the reward on a small model."""

from tests.training.small_runs import make_settings, make_trainer
from workbench.engines.scripted import ScriptedEngine
from workbench.pieces.filters import MovingSpread
from workbench.pieces.surrogate import Clip
from workbench.registry import find_method
from workbench.rewards.rlpr import Rlpr
from workbench.rewards.scoring import score_groups


def test_the_published_settings() -> None:
    method = find_method("rlpr")
    assert method.filters == (MovingSpread(share=0.5, keep=0.99, collect=6, active=11),)
    assert method.surrogate == Clip(low=0.2, high=0.27)
    assert method.regularisers == ()


def test_a_step_with_its_reward_reads_the_policy_and_the_model_before_training() -> None:
    training = {"steps": 1, "mismatch_limit": 0}  # the scripted engine makes up its log-probs
    settings = make_settings(training=training, rollouts={"max_tokens": 24}, record={"questions": "all"})
    trainer = make_trainer("rlpr", settings)
    trainer.policy.keep_reference()
    parts = trainer.parts
    answers = {parts.task.problem(number, "train").key: ["so answer: 1", "answer: 2", "none"] for number in range(2000)}
    parts.engine = ScriptedEngine(parts.encoder, answers)
    parts.score = lambda groups: score_groups([("rlpr", Rlpr(), 1.0)], (), groups, parts.scorer, 24)
    step = next(iter(trainer))
    assert step.columns is not None
    asked = [line["of"] for line in step.journal["questions"]]
    assert asked.count("reference") == 4  # once a problem
    assert 12 <= asked.count("policy") <= 16  # equal completions of a problem are read once
    assert all("p" in parts[0]["reason"] for parts in step.columns["parts"])
    assert step.metrics["grad_norm"] > 0
