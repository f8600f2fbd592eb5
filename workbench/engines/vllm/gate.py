"""Where rollouts meet a pruner inside vLLM: what it is told beforehand, and how its word is asked afterwards."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import safetensors.torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engines.base import Job
from workbench.engines.options import VllmOptions
from workbench.engines.pauses import Pauses
from workbench.kinds import BoundPruner
from workbench.types import Sampling, State

Whole = NDArray[np.int64]
REMEDY = "or set rollouts.vllm.prune = 'two_phase'"


@runtime_checkable
class Sieve(Protocol):
    """A pruner's word on single rollouts, as data. A rollout goes on if its mark is below its bin's threshold.

    The bin is min(bins - 1, floor(bins · score)); score = sigmoid(second · relu(first · x + first_bias) + second_bias)
    with x = (hidden - centre) / scale. Without a head everyone is in the first bin.
    """

    @property
    def length(self) -> int:
        """Of the answer when it is asked."""

    @property
    def head(self) -> dict[str, Tensor]:
        """first [unit, width], first_bias [unit], second [unit], second_bias [], centre [width], scale [width]."""

    @property
    def threshold(self) -> list[int]:
        """Of each bin."""

    def marks(self, numbers: Whole, index: Whole) -> Whole:
        """Of rollouts, by the numbers of their requests and their indices."""


@runtime_checkable
class Sifting(Protocol):
    """A pruner that can say of a rollout alone whether it goes on; `pruning.arrol.Arrol` is one."""

    def grouped(self) -> list[str]:
        """What makes its word hang on the rollout's group, each with the remedy; empty where nothing does."""

    def sieve(self, state: State, sampling: Sampling) -> Sieve:
        """Its word, where nothing is `grouped`."""


def errors(options: VllmOptions, pruner: object) -> list[str]:
    """Why a pruner cannot work as the options say; each names field, value and remedy."""
    if options.prune == "two_phase" or pruner is None:
        return []
    if not isinstance(pruner, Sifting):
        name = type(pruner).__name__
        return [f"rollouts.vllm.prune = 'in_engine': {name} cannot judge a rollout by itself; set 'two_phase'"]
    return [
        f"rollouts.vllm.prune = 'in_engine' judges each rollout by itself; {text}, {REMEDY}"
        for text in pruner.grouped()
    ]


@dataclass(frozen=True)
class Gate:
    """A pruner's sieve on its way into vLLM, and the pauses at which the pruner itself has the last word."""

    sieve: Sieve
    pauses: Pauses

    @classmethod
    def of(cls, bound: BoundPruner, pauses: Pauses, sampling: Sampling) -> "Gate":
        """The gate of a pruner that has no `errors`."""
        assert isinstance(bound.pruner, Sifting)
        return cls(bound.pruner.sieve(bound.state, sampling), pauses)

    @property
    def length(self) -> int:
        """Of the answer at which rollouts stand before it."""
        return self.sieve.length

    def order(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """What vLLM's process is told: the head, the thresholds, and of each rollout its mark and tokens till then."""
        keys = np.array([(job.request.number, job.index) for job in jobs], dtype=np.int64).T
        left = [self.length - len(job.tokens) if len(job.tokens) < self.length < job.limit else None for job in jobs]
        head = {name: weight.contiguous() for name, weight in self.sieve.head.items()}
        told: Mapping[str, Any] = {
            "head": base64.b64encode(safetensors.torch.save(head)).decode(),
            "threshold": self.sieve.threshold,
            "left": left,
            "marks": self.sieve.marks(*keys).tolist(),
        }
        return {"sieve": told}
