"""Opens a model of this process as a member of the cast."""

from typing import Protocol, runtime_checkable

from workbench.engines.build import make_engine
from workbench.models.load import load_policy
from workbench.models.spec import ModelSpec
from workbench.training.asking.speaker import ModelSpeaker
from workbench.training.forward import Forward
from workbench.training.scorer import PolicyScorer
from workbench.types import Sampling


@runtime_checkable
class Loadable(Protocol):
    """What a model is loaded from."""

    model: str
    concurrent: int

    @property
    def loads(self) -> dict[str, str]:
        """Fields of a model's spec."""


def speaker_of(member: Loadable) -> ModelSpeaker:
    """The model, frozen, with an engine; ValueError where it cannot be loaded."""
    policy = load_policy(ModelSpec(**member.loads))
    policy.model.requires_grad_(False)
    engine = make_engine("local", policy, concurrent=member.concurrent)
    positions = getattr(policy.config, "max_position_embeddings", None)
    sampling = Sampling(stop=policy.encoder.stop)
    scorer = PolicyScorer(Forward(policy))
    return ModelSpeaker(member.model, scorer, policy.encoder, engine, sampling, positions=positions, foreign=True)
