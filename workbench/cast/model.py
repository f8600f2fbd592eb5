"""Opens a model of this process as a member of the cast."""

from workbench.engines.build import make_engine
from workbench.models.load import load_policy
from workbench.models.spec import ModelSpec
from workbench.training.asking.speaker import ModelSpeaker
from workbench.training.forward import Forward
from workbench.training.scorer import PolicyScorer
from workbench.types import Sampling


def speaker_of(spec: ModelSpec, concurrent: int) -> ModelSpeaker:
    """The model, frozen, with an engine; ValueError where it cannot be loaded."""
    policy = load_policy(spec)
    policy.model.requires_grad_(False)
    engine = make_engine("local", policy, concurrent=concurrent)
    positions = getattr(policy.config, "max_position_embeddings", None)
    sampling = Sampling(stop=policy.encoder.stop)
    scorer = PolicyScorer(Forward(policy))
    return ModelSpeaker(spec.name, scorer, policy.encoder, engine, sampling, positions=positions, foreign=True)
