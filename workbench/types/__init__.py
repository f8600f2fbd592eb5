"""The vocabulary: problems, requests, rollouts, groups, batches, and the shapes of their tensors.

Log-probabilities are float32 natural logarithms at the sampling temperature, of the untruncated
distribution. A *rollout* is one completion of a problem by the model; a *group* is the set of rollouts that are
compared with each other. Tensors are padded on the right; `mask` marks the trained tokens.
"""

from workbench.types.asking import Asked, Choose, Question, Read, Reply, Say, Speaker, UnansweredError
from workbench.types.batch import (
    Batch,
    Constants,
    Index,
    Loss,
    Mask,
    PerRollout,
    PerToken,
    Scalar,
    rows_of,
)
from workbench.types.facts import AXES, FACTS, OWNERS, ROLLOUT, SHARED, TOKEN, TOP, Fact, axes, declare
from workbench.types.protocols import Bench, Capabilities, Encoder, Engine, Policy, PrunerCall, Scorer
from workbench.types.rollouts import (
    Finish,
    Group,
    Judgement,
    Problem,
    Request,
    Rollout,
    Row,
    Sampling,
    Score,
    State,
    score_fault,
)

__all__ = [
    "AXES",
    "FACTS",
    "OWNERS",
    "ROLLOUT",
    "SHARED",
    "TOKEN",
    "TOP",
    "Asked",
    "Batch",
    "Bench",
    "Capabilities",
    "Choose",
    "Constants",
    "Encoder",
    "Engine",
    "Fact",
    "Finish",
    "Group",
    "Index",
    "Judgement",
    "Loss",
    "Mask",
    "PerRollout",
    "PerToken",
    "Policy",
    "Problem",
    "PrunerCall",
    "Question",
    "Read",
    "Reply",
    "Request",
    "Rollout",
    "Row",
    "Sampling",
    "Say",
    "Scalar",
    "Score",
    "Scorer",
    "Speaker",
    "State",
    "UnansweredError",
    "axes",
    "declare",
    "rows_of",
    "score_fault",
]
