"""The vocabulary: problems, requests, rollouts, groups, batches, and the shapes of their tensors.

Log-probabilities are float32 natural logarithms at the sampling temperature, of the untruncated
distribution. A *rollout* is one completion of a problem by the model; a *group* is the set of rollouts that are
compared with each other. Tensors are padded on the right; `mask` marks the trained tokens.
"""

from workbench.types.batch import (
    AXES,
    ROLLOUT,
    TOKEN,
    TOP,
    Batch,
    Constants,
    Index,
    Loss,
    Mask,
    PerRollout,
    PerToken,
    Scalar,
    axes,
    rows_of,
)
from workbench.types.protocols import Capabilities, Encoder, Engine, Policy, PrunerCall, Scorer
from workbench.types.rollouts import Finish, Group, Judgement, Problem, Request, Rollout, Row, Sampling, Score, State

__all__ = [
    "AXES",
    "ROLLOUT",
    "TOKEN",
    "TOP",
    "Batch",
    "Capabilities",
    "Constants",
    "Encoder",
    "Engine",
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
    "Request",
    "Rollout",
    "Row",
    "Sampling",
    "Scalar",
    "Score",
    "Scorer",
    "State",
    "axes",
    "rows_of",
]
