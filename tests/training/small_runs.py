"""Small trainers for tests: a random two-layer policy, a task without end, rewards that vary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import Qwen3Config, Qwen3ForCausalLM

from tests.engines.engine_models import build, make_policy
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import Reward, Sampler
from workbench.method import Method
from workbench.models import LoraSpec
from workbench.models.policy import LocalPolicy
from workbench.pieces.alarms import limits
from workbench.pieces.sampler import Uniform
from workbench.registry import find_method
from workbench.rewards.scoring import score_groups
from workbench.sections import EvaluationSection, RecordSection, RolloutSection, TrainingSection
from workbench.tasks.sums import Sums
from workbench.training.sampling import Parts
from workbench.training.trainer import Settings, Trainer
from workbench.types import Group, Problem, Rollout, Row, Score, Scorer

ROWS = (
    Row((1, 20, 30), (40, 50, 60, 2)),
    Row((1, 20, 30), (41, 2)),
    Row((1, 99, 98, 97, 96), (7, 8, 9)),
    Row((1,), (33, 34, 35, 36, 37)),
)


@dataclass(frozen=True)
class Turns(Reward):
    """Every second rollout is right, whatever it says."""

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        return [Score(float(r.index % 2), "its turn", bool(r.index % 2), str(r.index % 2)) for r in rollouts]


def tiny_policy(lora: LoraSpec | None = None, **changes: Any) -> LocalPolicy:
    """A fresh random policy, the same every time, close to uniform as a model is at the start."""
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 2, "num_key_value_heads": 1}
    model = build(Qwen3ForCausalLM, Qwen3Config, **{**sizes, "initializer_range": 0.3, **changes})
    return make_policy(model.requires_grad_(lora is None), lora)


def make_settings(**changes: Any) -> Settings:
    """Two steps of 4 problems with 4 rollouts; a table's name changes fields of that table."""
    tables: dict[str, tuple[Any, dict[str, Any]]] = {
        "rollouts": (RolloutSection, {"problems": 4, "rollouts": 4, "max_tokens": 5}),
        "training": (TrainingSection, {"steps": 2, "learning_rate": 1e-2, "micro_batch": 64, "threads": 1}),
        "evaluation": (EvaluationSection, {"problems": 0}),
        "record": (RecordSection, {}),
    }
    made = {name: kind(**{**given, **changes.pop(name, {})}) for name, (kind, given) in tables.items()}
    return Settings(seed=changes.pop("seed", 0), **made, **changes)


def make_parts(method: Method, policy: LocalPolicy, reward: Reward | None = None, **changes: Any) -> Parts:
    """What sampling works with; a field may be given in its place."""
    rewards = [("turns", reward or Turns(), 1.0)]

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups(rewards, method.shaping, groups, None, 5)

    sampler: Sampler = method.sampler or Uniform()
    parts = {
        "task": Sums(level=1),
        "engine": LocalEngine(policy, concurrent=16, decoder="modules"),
        "encoder": policy.encoder,
        "score": scored,
        "sampler": sampler,
        "filters": method.filters,
        "controller": method.controller,
    }
    return Parts(**{**parts, **changes})


def make_trainer(
    method: Method | str, settings: Settings | None = None, policy: LocalPolicy | None = None, **parts: Any
) -> Trainer:
    """A trainer as `runs.build` makes it, of a tiny policy."""
    method = find_method(method) if isinstance(method, str) else method
    policy, settings = policy or tiny_policy(), settings or make_settings()
    trainer = Trainer(
        policy,
        method,
        make_parts(method, policy, **parts),
        settings,
        stop_tokens=policy.encoder.stop,
        reference=policy.adapted,
        watch=limits(settings.training.unscored, settings.training.mismatch_limit),
    )
    if trainer.reads_reference and not policy.adapted:
        policy.keep_reference()
    return trainer
