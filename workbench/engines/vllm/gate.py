"""Pruning inside vLLM: what vLLM's process is sent, and which pruners can be used so."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import safetensors.torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engines.base import Job
from workbench.engines.detection import Detection
from workbench.engines.options import VllmOptions
from workbench.kinds import BoundPruner
from workbench.types import Sampling, State

Whole = NDArray[np.int64]
REMEDY = "or set rollouts.vllm.prune = 'two_phase'"


@runtime_checkable
class StopRule(Protocol):
    """A pruner's decision on single rollouts, as data. A rollout continues if its mark is below its bin's threshold.

    The bin is min(bins - 1, floor(bins · score)); score = sigmoid(second · relu(first · x + first_bias) + second_bias)
    with x = (hidden - centre) / scale. Without a head every rollout is in the first bin.
    """

    @property
    def length(self) -> int:
        """The detection length, in tokens."""

    @property
    def head(self) -> dict[str, Tensor]:
        """first [unit, width], first_bias [unit], second [unit], second_bias [], centre [width], scale [width]."""

    @property
    def threshold(self) -> list[int]:
        """The threshold of each bin."""

    def marks(self, numbers: Whole, index: Whole) -> Whole:
        """The marks of rollouts, by the numbers of their requests and their indices."""


@runtime_checkable
class DecidesAlone(Protocol):
    """A pruner that can decide on each rollout alone; `pruning.arrol.Arrol` is one."""

    def grouped(self) -> list[str]:
        """The settings that make its decision depend on the group, each with the remedy; empty where none does."""

    def stop_rule(self, state: State, sampling: Sampling) -> StopRule:
        """Its stop rule, where nothing is `grouped`."""


def errors(options: VllmOptions, pruner: object) -> list[str]:
    """Why a pruner cannot work as the options say; each names field, value and remedy."""
    if options.prune == "two_phase" or pruner is None:
        return []
    if not isinstance(pruner, DecidesAlone):
        name = type(pruner).__name__
        return [f"rollouts.vllm.prune = 'in_engine': {name} cannot decide on a rollout alone; set 'two_phase'"]
    return [
        f"rollouts.vllm.prune = 'in_engine' decides on each rollout alone; {text}, {REMEDY}"
        for text in pruner.grouped()
    ]


@dataclass(frozen=True)
class Gate:
    """A pruner's stop rule for vLLM's process, and the pruner's own calls afterwards, whose decision is final."""

    stop_rule: StopRule
    detection: Detection

    @classmethod
    def of(cls, bound: BoundPruner, detection: Detection, sampling: Sampling) -> "Gate":
        """The gate of a pruner that has no `errors`."""
        assert isinstance(bound.pruner, DecidesAlone)
        return cls(bound.pruner.stop_rule(bound.state, sampling), detection)

    @property
    def length(self) -> int:
        """The detection length, in tokens."""
        return self.stop_rule.length

    def order(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """The stop rule for vLLM's process: head, thresholds, and of each rollout the mark and the tokens left."""
        keys = np.array([(job.request.number, job.index) for job in jobs], dtype=np.int64).T
        left = [self.length - len(job.tokens) if len(job.tokens) < self.length < job.limit else None for job in jobs]
        head = {name: weight.contiguous() for name, weight in self.stop_rule.head.items()}
        rule: Mapping[str, Any] = {
            "head": base64.b64encode(safetensors.torch.save(head)).decode(),
            "threshold": self.stop_rule.threshold,
            "left": left,
            "marks": self.stop_rule.marks(*keys).tolist(),
        }
        return {"stop_rule": rule}
