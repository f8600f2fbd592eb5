"""The rollouts of an update as padded tensors, and the shapes of their numbers."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.types.facts import FACTS, SHARED
from workbench.types.rollouts import State

PerToken = Float[Tensor, "rollout token"]
PerRollout = Float[Tensor, " rollout"]
Mask = Bool[Tensor, "rollout token"]
Index = Int[Tensor, " rollout"]
Scalar = Float[Tensor, ""]
Loss = Float[Tensor, "rollout token"] | Float[Tensor, ""]
Constants = dict[str, Tensor]  # computed once an update: scalars, or tensors whose first axis is the rollout


@dataclass(frozen=True)
class Batch:
    """The rollouts of an update as tensors; all that a method reads.

    `logprob` is the current policy's and may carry gradient; `old_logprob` the policy's that sampled.
    A reward of nan means that the rollout is unscored: it is left out of its group's statistics and
    weighs nothing. `extras` are further tensors, named and shaped by `AXES`.
    """

    logprob: PerToken
    old_logprob: PerToken
    mask: Mask
    reward: PerRollout
    group: Index
    problem: Index = cast(Any, None)  # None: one problem a group
    correct: PerRollout = cast(Any, None)  # 1, 0 or nan; None: whether the reward is above 0
    tokens: Int[Tensor, "rollout token"] | None = None
    step: int = 0
    total_steps: int = 1
    budget: int = 0  # maximum tokens of a rollout; 0: the width of the batch
    temperature: float = 1.0
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    state: Mapping[str, State] = field(default_factory=dict)  # the pieces' states, by slot

    def __post_init__(self) -> None:
        if self.problem is None:
            object.__setattr__(self, "problem", self.group)
        if self.correct is None:
            verdict = (self.reward > 0).to(self.reward.dtype)
            object.__setattr__(self, "correct", torch.where(self.reward.isnan(), self.reward, verdict))
        if self.budget == 0:
            object.__setattr__(self, "budget", self.mask.shape[1])

    def __getitem__(self, name: str) -> Tensor:
        """A signal or extra by name. ValueError for a missing one, with the command that computes it.

        A piece's fact that no rollout has is its `missing` for all of them.
        """
        if name in ("logprob", "old_logprob"):
            return cast(Tensor, getattr(self, name))
        if name not in self.extras and name in FACTS and name not in SHARED:
            like = self.logprob if FACTS[name].per == "token" else self.reward
            return torch.full_like(like, FACTS[name].missing, requires_grad=False)
        if name not in self.extras:
            raise ValueError(f"signal {name} was not recorded: compute it with workbench signals RUN --add {name}")
        return self.extras[name]

    def __contains__(self, name: str) -> bool:
        return name in ("logprob", "old_logprob") or name in self.extras

    @property
    def piece_state(self) -> State:
        """The state of the piece that is called with this batch: `state` holds its slot alone."""
        return next(iter(self.state.values()), {})

    @property
    def scored(self) -> Bool[Tensor, " rollout"]:
        """Which rollouts have a reward."""
        return ~self.reward.isnan()

    @property
    def judged(self) -> Bool[Tensor, " rollout"]:
        """The former name of `scored`, in the sources of methods that older runs recorded."""
        return self.scored

    @property
    def lengths(self) -> PerRollout:
        """The number of trained tokens of each rollout."""
        return self.mask.sum(1).to(self.logprob.dtype)

    def replace(self, **changes: Any) -> "Batch":
        """A copy with other fields."""
        return dataclasses.replace(self, **changes)

    def extend(self, **extras: Tensor) -> "Batch":
        """A copy with further extras."""
        return self.replace(extras={**self.extras, **extras})

    def rows(self, index: Tensor | slice) -> "Batch":
        """The rollouts at `index`."""
        chosen: dict[str, Any] = {
            name: getattr(self, name)[index]
            for name in ("logprob", "old_logprob", "mask", "reward", "group", "problem", "correct")
        }
        chosen["tokens"] = None if self.tokens is None else self.tokens[index]
        return self.replace(**chosen, extras=rows_of(self.extras, index))


def rows_of(tensors: Mapping[str, Tensor], index: Tensor | slice) -> dict[str, Tensor]:
    """Slices tensors along their first axis, the rollout; scalars stay."""
    return {name: value if value.dim() == 0 else value[index] for name, value in tensors.items()}
