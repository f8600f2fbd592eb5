"""What the trainer asks of a tokenizer, a scorer, a policy and an engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.types.rollouts import Request, Rollout, Row, Sampling


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into the tokens a model reads."""

    def prompt(self, text: str) -> tuple[int, ...]:
        """A question as the model sees it: template and special tokens included."""

    def answer(self, text: str) -> tuple[int, ...]:
        """The tokens of an answer's text, without any special token."""

    def text(self, tokens: Sequence[int]) -> str:
        """The text of an answer's tokens, special tokens left out."""

    def shown(self, tokens: Sequence[int]) -> str:
        """The text with special tokens visible, as the model saw it."""


@runtime_checkable
class Scorer(Protocol):
    """Reads signals of given tokens after given prompts; rewards and controllers may ask it."""

    def score(
        self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], signals: Sequence[str]
    ) -> list[dict[str, list[float]]]:
        """For every pair, each signal as a list over the answer's tokens."""


@runtime_checkable
class Policy(Protocol):
    """A causal language model that is trained, with its tokenizer. `workbench.models` makes them."""

    @property
    def encoder(self) -> Encoder:
        """Its tokenizer."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def hidden(
        self, tokens: Int[Tensor, "row token"], positions: Int[Tensor, "row token"] | None = None
    ) -> Float[Tensor, "row token width"]:
        """Last hidden state after the final norm, of right-padded rows (causal: padding changes no earlier token)."""

    def before(self, rows: Sequence["Row"]) -> Float[Tensor, "n width"]:
        """The last hidden state before each token of each answer, row by row: what the head predicts it from."""

    def logits(self, hidden: Float[Tensor, "n width"]) -> Float[Tensor, "n vocabulary"]:
        """The output head, in float32."""

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """Parameters under training, by name: all of them, or an adapter's."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine can give; what a config asks beyond it is refused before the run starts."""

    pruning: bool = False
    prefix: bool = True  # rollouts that continue given tokens
    log_probs: bool = True  # of the untruncated distribution at the sampling temperature
    deterministic: bool = False  # the same rollout whatever else is in the batch
    full_weights: bool = True  # can follow an update of all weights
    dora: bool = True  # can follow an adapter that learns lengths apart
    embeddings: bool = True  # can follow an adapter on the embeddings or the output head
    truncated_log_probs: bool = True  # of the untruncated distribution where top-p or top-k cut it
    same_weights: bool = True  # writes with the trainer's own weights, quantised as they are


class PrunerCall(Protocol):
    """A pruner with its state, as an engine calls it; `kinds.BoundPruner` is one."""

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        """Detection lengths: completion lengths, in tokens, at which it is called."""

    def __call__(self, partial: Any, sampling: Sampling) -> tuple[list[bool], list[dict[str, float]]]:
        """For every rollout of an unfinished group: whether it continues, and what to record of the decision."""


@runtime_checkable
class Engine(Protocol):
    """Who writes rollouts."""

    capabilities: Capabilities

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, pruner: PrunerCall | None = None
    ) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests."""

    def sync(self, policy: Policy) -> None:
        """Takes over the policy's present weights."""

    def close(self) -> None:
        """Frees what it holds."""
